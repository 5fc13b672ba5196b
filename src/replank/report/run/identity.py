"""Servers and ports before and after: the same IDs, and which names they have now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from replank.plan.model import Plan
from replank.plan.takeover import PlannedMachine, TakeoverPlan
from replank.report.run.events import word, words
from replank.report.run.model import Gate, Identity, StepReport

UNCHANGED = "openstack.unchanged"
"""The check that OpenStack has exactly the plan's servers and ports (its parameters name their IDs)."""

# Kind of step -> the parameter with the ID of what it renames.
_RENAMES = {"openstack.port.rename": "port", "openstack.server.rename": "server"}


@dataclass(frozen=True, slots=True)
class _Look:
    gate: Gate
    step: str

    @property
    def at(self) -> float:
        return self.gate.at or 0.0


def identities(plan: Plan, steps: Sequence[StepReport]) -> tuple[Identity, ...]:
    """Every server with its ports, in the plan's order. What no check has looked at is said to be so."""
    if not isinstance(plan, TakeoverPlan):
        return ()
    looks = sorted(
        (
            _Look(gate, step.id)
            for step in steps
            for gate in step.gates
            if gate.kind == UNCHANGED and gate.outcome != "not asked"
        ),
        key=lambda look: look.at,
    )
    renamed = {word(step.params, _RENAMES[step.kind]): step for step in steps if step.kind in _RENAMES}
    found: list[Identity] = []
    for machine in plan.machines:
        found.append(_identity("server", machine.server_id, machine, machine.server_name, looks, renamed))
        found += [_identity("port", p.id, machine, p.old, looks, renamed) for p in machine.ports]
    return tuple(found)


def _identity(
    kind: Literal["server", "port"],
    thing_id: str,
    machine: PlannedMachine,
    name: str,
    looks: Sequence[_Look],
    renamed: Mapping[str, StepReport],
) -> Identity:
    before, after = _names(name, renamed.get(thing_id))
    look = _last(looks, f"{kind}s", thing_id)
    return Identity(
        kind=kind,
        id=thing_id,
        machine=machine.machine,
        name_before=before,
        name_after=after,
        same=None if look is None else look.gate.outcome == "pass",
        at=look.at if look else None,
        by=look.step if look else "",
    )


def _last(looks: Sequence[_Look], key: str, thing_id: str) -> _Look | None:
    """The newest look that this thing was part of."""
    return next((look for look in reversed(looks) if thing_id in words(look.gate.params, key)), None)


def _names(planned: str, rename: StepReport | None) -> tuple[str, str]:
    """The name that was found, and the one that it has by what the run did."""
    if rename is None:
        return planned, planned
    before = rename.before if isinstance(rename.before, dict) else {}
    found = word(before, "name") if "name" in before else planned
    now = found
    for did in rename.did:
        if isinstance(did.evidence, dict) and "name" in did.evidence:
            now = word(did.evidence, "name")
    return found, now
