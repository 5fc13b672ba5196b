"""One seed: a cluster's life under an operator that rounds, fails, dies and comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from replank.testbed.guarding.happenings import Happenings
from replank.testbed.guarding.invariants import Invariants
from replank.testbed.guarding.lives import Lives
from replank.testbed.guarding.machines import Machines
from replank.testbed.guarding.owners import Owners
from replank.testbed.guarding.scenario import GuardScenario
from replank.testbed.guarding.workload import Workload
from replank.testbed.guarding.world import NOW, GuardedWorld
from replank.testbed.simulation.virtual_time import VirtualLoop, run

PATIENCE_S: Final = 3600.0
"""Within that after the last happening everything is done, faults or not (they end after 1500 s)."""
_SETTLED_S: Final = 45.0


@dataclass(slots=True, kw_only=True)
class GuardOutcome:
    """`broken`: invariants, in words. `left`: what was not done in time. `points`: calls. `took_s`: virtual
    seconds."""

    scenario: GuardScenario
    broken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    deaths: int = 0
    took_s: float = 0.0

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be."""
        return [*self.broken, *self.left]

    @property
    def status(self) -> str:
        """How it ended."""
        return "wrong" if self.wrong else "settled"

    def __str__(self) -> str:
        head = f"{self.scenario}: {self.status} after {self.took_s:.0f} s, {len(self.points)} calls"
        return "\n".join([head, *(f"  WRONG {what}" for what in self.wrong), *self.trace])


class GuardSimulation:
    """One run of a scenario. `patience_s`: after the last happening, until all must be done."""

    def __init__(self, scenario: GuardScenario, *, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self.outcome = GuardOutcome(scenario=scenario)
        self.loop = VirtualLoop(NOW)
        self.world = GuardedWorld(scenario, self.loop, self._tell)
        self.workload = Workload(self.world)
        self.machines = Machines(self.world, self.workload)
        self.owners = Owners(self.world, self.machines)
        self.happenings = Happenings(self.world, self.workload)
        self.lives = Lives(self.world)
        self.invariants = Invariants(self.world, self.workload, self.machines, self.lives, self.happenings)

    def go(self) -> GuardOutcome:
        """Runs it. Nothing of it takes real time but the computing."""
        run(self.loop, self._life())
        self.outcome.broken = [*self.invariants.broken, *self.lives.crashes]
        self.outcome.points, self.outcome.deaths = self.lives.points, self.lives.deaths
        self.outcome.took_s = self.loop.time() - NOW
        return self.outcome

    async def _life(self) -> None:
        self.workload.settle()
        self.invariants.watch()
        self.happenings.begin()
        self.lives.begin()
        settled_since: float | None = None
        ends = self.loop.time() + self._patience_s
        while not self.lives.crashes:
            await asyncio.sleep(self.world.chance.uniform(0.5, 2.5))
            self._tick()
            now = self.loop.time()
            if self.happenings.open:
                settled_since, ends = None, now + self._patience_s
                continue
            self.outcome.left = list(self.invariants.at_end())
            if self.outcome.left:
                settled_since = None
                if now > ends:
                    break
            else:
                settled_since = settled_since if settled_since is not None else now
                if now - settled_since > _SETTLED_S:
                    break
        self.lives.over = True

    def _tick(self) -> None:
        """Controllers look in an order of their own, and not every time."""
        looks = [self.workload.tick, self.machines.tick, self.owners.tick, self.world.project.check_health]
        self.world.chance.shuffle(looks)
        for look in looks:
            if self.world.chance.random() < 0.8:
                look()
                self.invariants.tick()

    def _tell(self, text: str) -> None:
        self.outcome.trace.append(f"{self.loop.time() - NOW:9.2f} {text}")


def explore(scenario: GuardScenario, *, patience_s: float = PATIENCE_S) -> GuardOutcome:
    """Runs one scenario."""
    return GuardSimulation(scenario, patience_s=patience_s).go()
