"""Operators that come and go: each life is a process, at most one of them leads, and any may die anywhere."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from replank.domain.errors import ReplankError
from replank.guards.work.round import SOON_S, Rounded, go_round
from replank.ports.access import Document, KubeApi
from replank.ports.guarding import BalancedCloud, StatusApi
from replank.testbed.guarding.cloud import ProjectCloud
from replank.testbed.guarding.kube import TellingKube
from replank.testbed.guarding.layout import CLUSTER, NAMESPACE
from replank.testbed.guarding.world import GuardedWorld
from replank.testbed.simulation.clock import VirtualClock
from replank.testbed.simulation.faults import Chaos, Fault, FaultyPort, ProcessDeath

_CALM_AFTER_S: Final = 1500.0


@dataclass
class LifeChaos(Chaos):
    """One process's. `down`: systems that nobody reaches. `still_until`: it stands still while it reads, as a
    stopped process does."""

    down: set[str] = field(default_factory=set)
    still_until: float = 0.0

    def draw(self, name: str) -> Fault | None:
        fault = super().draw(name)
        return "error-before" if fault is None and name.partition(".")[0] in self.down else fault

    async def call(self, name: str, reads: bool, method: Callable[[], Any]) -> Any:
        now = asyncio.get_running_loop().time()
        if reads and now < self.still_until:
            await asyncio.sleep(self.still_until - now)
        return await super().call(name, reads, method)


class FaultySystems:
    """The port `Systems` on the world, as one process sees it."""

    def __init__(self, world: GuardedWorld, chaos: Chaos) -> None:
        self._management = cast(StatusApi, FaultyPort(TellingKube(world.management), "management", chaos))
        self._workload = cast(KubeApi, FaultyPort(TellingKube(world.workload), "workload", chaos))
        self._cloud = cast(BalancedCloud, FaultyPort(ProjectCloud(world.project), "cloud", chaos))
        self._clock = VirtualClock(world.loop)

    @property
    def management(self) -> StatusApi:
        return self._management

    @property
    def clock(self) -> VirtualClock:
        return self._clock

    async def workload(self, cluster: Document) -> KubeApi:  # noqa: ARG002  (there is one)
        return self._workload

    async def cloud(self, cluster: Document) -> BalancedCloud:  # noqa: ARG002  (there is one)
        return self._cloud


class Lives:
    """`rounds`: called with each round that came to its end. `points`: calls so far. `crashes`: of the code
    itself. `deaths`: how many there were; `since`: when the last one began to lead."""

    def __init__(self, world: GuardedWorld) -> None:
        self.world = world
        self.rounds: list[Callable[[Rounded], None]] = []
        self.points: list[str] = []
        self.crashes: list[str] = []
        self.deaths = 0
        self.since = world.now
        self.over = False
        self._leader = 0
        self._leading: LifeChaos | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._rate, self._at = world.scenario.rate, dict(world.scenario.faults)
        self._chance = random.Random(f"{world.scenario.seed}/lives")  # noqa: S311  (a simulation)

    def begin(self) -> None:
        """The first life, and the times of the others."""
        self._rise()
        for at in self.world.scenario.handovers:
            self.world.loop.call_later(at, self._hand_over)
        self.world.loop.call_later(_CALM_AFTER_S, self.calm)

    def calm(self) -> None:
        """No more faults from here."""
        self._rate, self._at = 0.0, {}
        if self._leading is not None:
            self._leading.rate, self._leading.at = 0.0, {}

    def _hand_over(self) -> None:
        """The leader loses its lease: another one leads at once, the old one ends its round, however late."""
        old = self._leading
        if old is None or self.over:
            return
        if self.world.scenario.stalls:
            old.still_until = self.world.now + self._chance.uniform(10, 120)
        self.world.tell(
            f"life {self._leader} loses its lease{' and stands still' if old.still_until else ''}"
        )
        self._rise()

    def _rise(self) -> None:
        self._leader += 1
        self.since = self.world.now
        chaos = LifeChaos(
            self._chance,
            self.world.tell,
            rate=self._rate,
            at=self._at,
            points=self.points,
            down=self.world.down,
        )
        self._leading = chaos
        self.world.tell(f"life {self._leader} leads")
        task = self.world.loop.create_task(self._live(self._leader, chaos))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _live(self, number: int, chaos: LifeChaos) -> None:
        systems = FaultySystems(self.world, chaos)
        try:
            while self._leader == number and not self.over:
                await self._round(systems)
        except ProcessDeath as death:
            self.deaths += 1
            self.world.tell(f"life {number} died at {death}")
            await asyncio.sleep(self._chance.uniform(0.5, 40))
            if self._leader == number and not self.over:
                self._rise()

    async def _round(self, systems: FaultySystems) -> None:
        try:
            rounded = await go_round(systems, NAMESPACE, CLUSTER)
        except ReplankError as error:
            self.world.tell(f"no round: {error}")
            await systems.clock.sleep(SOON_S)
            return
        assert rounded is not None
        for fault in rounded.faults:
            self.world.tell(f"not done: {fault.action}: {fault.error}")
        for done in rounded.done:
            self.world.tell(f"done: {done}")
        for watcher in self.rounds:
            watcher(rounded)
        await systems.clock.sleep(rounded.again_s)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.crashes.append(f"the operator crashed: {error!r}")
