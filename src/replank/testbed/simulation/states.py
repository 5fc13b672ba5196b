"""The port `States` on Terraform states in memory, and what their owners do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from replank.domain.errors import Refused, Transient
from replank.inventory.terraform import v4
from replank.ports.access import StateNow
from replank.testbed.world import Document


@dataclass(slots=True)
class State:
    """One state. `resources`: address -> ID. `extra`: resources that `terraform plan` would make or change.

    `configured`: whether its configuration is at hand, so that `terraform plan` can be run.
    """

    serial: int
    lineage: str
    resources: dict[str, str]
    configured: bool = True
    extra: list[str] = field(default_factory=list)
    locked_by: str = ""

    @classmethod
    def of(cls, document: Document, source: str, *, configured: bool) -> State:
        """From a state v4. Data sources are left out: nobody owns what is only read."""
        found, _ = v4.resources(document, source)
        kept = {resource.address: resource.id for resource in found if resource.mode == "managed"}
        return cls(document["serial"], document["lineage"], kept, configured)

    def forget(self, addresses: Iterable[str]) -> bool:
        """What `removed` blocks do at an apply. False where somebody holds the lock."""
        return self._write({a: i for a, i in self.resources.items() if a not in set(addresses)})

    def take_back(self, resources: Mapping[str, str]) -> bool:
        """What `import` blocks do at an apply. False where somebody holds the lock."""
        return self._write({**self.resources, **resources})

    def _write(self, resources: dict[str, str]) -> bool:
        if self.locked_by:
            return False
        if resources != self.resources:
            self.resources = resources
            self.serial += 1
        return True


class SimulatedStates:
    """`states`: by source and workspace."""

    def __init__(self, states: Mapping[tuple[str, str], State]) -> None:
        self._states = states

    async def now(self, source: str, workspace: str) -> StateNow:
        state = self._state(source, workspace)
        return StateNow(
            serial=state.serial,
            lineage=state.lineage,
            resources=dict(sorted(state.resources.items())),
            locked_by=state.locked_by,
        )

    async def changes(self, source: str, workspace: str) -> str | None:
        state = self._state(source, workspace)
        if not state.configured:
            return None
        return f"{len(state.extra)} to add or change" if state.extra else ""

    async def lock(self, source: str, workspace: str, holder: str) -> str:
        state = self._state(source, workspace)
        if state.locked_by not in ("", holder):
            raise Transient("RP000", f"State {source}", f"locked by {state.locked_by}", "Wait for it.")
        state.locked_by = holder
        return f"locked as {holder}"

    async def unlock(self, source: str, workspace: str, holder: str) -> None:
        state = self._state(source, workspace)
        if state.locked_by == holder:
            state.locked_by = ""

    def _state(self, source: str, workspace: str) -> State:
        if (source, workspace) not in self._states:
            raise Refused("RP000", f"State {source} {workspace}", "there is none", "Look at fleet.yaml.")
        return self._states[source, workspace]
