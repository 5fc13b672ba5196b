"""Everybody else: the owner of the Terraform state, an operator who pauses, somebody who renames.

Each acts as a task in virtual time, seeded. They do what people do, not what would be handy.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from replank.inventory.facts.json_value import JSON
from replank.journal.event import Event
from replank.plan.takeover import TakeoverPlan
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import PAUSED, annotations_of
from replank.testbed.simulation.worlds import SimulatedWorld

_ASKS_THE_OWNER = ("RP871", "RP872")
_WATCHED = ("Cluster", "OpenStackCluster", "OpenStackMachine", "OpenStackServer", "Machine")


@dataclass(slots=True)
class Outsiders:
    """`busy`: how long, in seconds, they go on meddling."""

    world: SimulatedWorld
    plan: TakeoverPlan
    chance: random.Random
    tell: Callable[[str], None]
    busy: float = 600.0
    meddled: set[str] = field(default_factory=set)
    _undoing: bool = False
    _asked: set[str] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """They read the run's status: who is asked to do something in Terraform does it some time later."""
        self._undoing = event.direction == "undo"
        if event.kind != "hold" or event.data.get("code") not in _ASKS_THE_OWNER:
            return
        for stage in self.plan.stages:
            for step in stage.steps:
                if step.id == event.step and step.kind == "terraform.forget" and step.id not in self._asked:
                    self._asked.add(step.id)
                    self._spawn(self._terraform(step.id, step.params))

    def begin(self, *, pauses: bool, renames: bool, slow_watches: bool) -> None:
        """Starts those who meddle."""
        if pauses:
            self._spawn(self._pause())
        if renames:
            self._spawn(self._rename())
        if slow_watches:
            self._spawn(self._slow_watches())

    def end(self) -> None:
        """They leave; whoever paused something has taken it back or leaves it."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _terraform(self, step: str, params: Mapping[str, JSON]) -> None:
        """Applies `removed` blocks, or `import` blocks while the run is being undone."""
        await asyncio.sleep(self.chance.uniform(1, 40))
        self._asked.discard(step)
        state = self.world.states[str(params["state"]), str(params["workspace"])]
        ids = {f["address"]: f["id"] for f in cast("list[dict[str, str]]", params["forget"])}
        back = self._undoing
        wrote = state.take_back(ids) if back else state.forget(ids)
        self.tell(f"terraform owner: {'imports' if back else 'forgets'}{'' if wrote else ': locked'}")

    async def _pause(self) -> None:
        """Pauses the Cluster or one object for some minutes, unless it is paused already or being undone."""
        await asyncio.sleep(self.chance.uniform(0, self.busy))
        kinds = ("Cluster", "KubeadmControlPlane", "MachineSet", "Machine")
        kind = self.chance.choice(kinds)
        found = next(iter(self.world.management.all(kind, self.plan.namespace)), None)
        if found is None or PAUSED in annotations_of(found) or found["spec"].get("paused"):
            return
        self.meddled.add("paused")
        self.tell(f"operator: pauses {kind} {found['metadata']['name']}")
        self._mark(found, paused=True)
        await asyncio.sleep(self.chance.uniform(1, 100))
        live = next(iter(self.world.management.all(kind, self.plan.namespace)), None)
        if live is None or self._undoing:
            return
        self.tell(f"operator: unpauses {kind} {live['metadata']['name']}")
        self._mark(live, paused=False)

    def _mark(self, document: Document, *, paused: bool) -> None:
        edited: Document = copied(document)
        if document["kind"] == "Cluster":
            edited["spec"]["paused"] = paused
        elif paused:
            edited["metadata"]["annotations"] = {**annotations_of(document), PAUSED: "by-operator"}
        else:
            edited["metadata"]["annotations"] = {
                k: v for k, v in annotations_of(document).items() if k != PAUSED
            }
        self.world.management.put(edited, "kubectl-edit")

    async def _rename(self) -> None:
        """A forgotten `terraform apply` puts an old port name back, if the state still lets it."""
        await asyncio.sleep(self.chance.uniform(0, self.busy))
        machine = self.chance.choice(self.plan.machines)
        for planned in machine.ports:
            port = self.world.cloud.port(planned.id)
            if port is not None and port["name"] != planned.old:
                self.meddled.add("renamed")
                self.tell(f"somebody: puts the name {planned.old} back")
                self.world.cloud.change("port", port, {"name": planned.old})

    async def _slow_watches(self) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(5, 60))
            self.world.fall_behind(self.chance.choice(_WATCHED), self.chance.uniform(2, 30))
