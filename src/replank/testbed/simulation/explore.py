"""One seed from the plan to its outcome: the real step runner and the real steps in a simulated world."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from replank.engine.patience import Patience
from replank.engine.pause import Paused
from replank.engine.step_run import StepRun
from replank.engine.walk import walk
from replank.journal.event import SCHEMA, Direction, Event
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.plan.model import Step
from replank.plan.takeover import TakeoverPlan
from replank.ports.journal import Run
from replank.ports.steps import Registry
from replank.testbed.simulation.faults import Chaos, FaultyJournal, ProcessDeath, faulty
from replank.testbed.simulation.invariants import Invariants
from replank.testbed.simulation.journal import MemoryJournal
from replank.testbed.simulation.outsiders import Outsiders
from replank.testbed.simulation.scenario import Scenario
from replank.testbed.simulation.shapes import NOW, SHAPES
from replank.testbed.simulation.virtual_time import VirtualLoop, run
from replank.testbed.simulation.worlds import SimulatedWorld, differences

PATIENCE: Final = Patience(poll_s=4.0, gate_s=150.0, hold_s=900.0, attempts=6)
_RUN: Final = "run"
_QUIET_S: Final = 90.0
_LONGEST_S: Final = 5 * 86400.0
_LIVES: Final = 60


@dataclass(slots=True, kw_only=True)
class Outcome:
    """`status`: how the last walk ended. `broken`: invariants, in words; [] = harmless. `near`: harm that
    only one fence kept away. `left`: what an undo did not restore. `points`: calls made. `picture`: the world
    at the end.
    """

    scenario: Scenario
    status: str = ""
    broken: list[str] = field(default_factory=list)
    near: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    picture: dict[str, Any] = field(default_factory=dict)
    meddled: frozenset[str] = frozenset()

    @property
    def wrong(self) -> list[str]:
        """Everything that must not be. A run may end refused only where somebody had meddled."""
        wanted = "done" if self.scenario.ending in ("settled", "again") else "undone"
        stuck = (
            [] if self.status == wanted or self.meddled else [f"ended {self.status}: {self.refusals[-1:]}"]
        )
        return [*self.broken, *self.left, *stuck]

    def __str__(self) -> str:
        head = f"{self.scenario}: {self.status}, {len(self.points)} calls"
        return "\n".join([head, *(f"  WRONG {what}" for what in self.wrong), *self.trace])


class Simulation:
    """One run of a scenario. `registry`, `bend`: tests put gates out of action and bend the plan."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        registry: Registry | None = None,
        bend: Callable[[TakeoverPlan], TakeoverPlan] | None = None,
    ) -> None:
        self.scenario = scenario
        self.outcome = Outcome(scenario=scenario)
        shape = SHAPES[scenario.shape]
        self.plan = bend(shape.plan()) if bend else shape.plan()
        self._registry = registry or takeover_registry()
        self.loop = VirtualLoop(NOW.timestamp())
        self.world = SimulatedWorld(shape, self.loop, scenario.seed, self._tell)
        self.chaos = Chaos(self._chance("faults"), self._tell, rate=scenario.rate, at=dict(scenario.faults))
        self.invariants = Invariants(self.world, self.plan, self._tell)
        self.outsiders = Outsiders(self.world, self.plan, self._chance("outsiders"), self._tell)
        self.journal = MemoryJournal()
        self.journal.observers += [self._event, self.invariants.take, self.outsiders.take]
        self._access = faulty(self.world.access(endpoint=self.plan.load_balancer.endpoint), self.chaos)
        self._lives = 0

    def go(self) -> Outcome:
        """Runs it. Nothing of it takes real time but the computing."""
        run(self.loop, asyncio.wait_for(self._scenario(), _LONGEST_S))
        self.outcome.broken, self.outcome.near = self.invariants.broken, self.invariants.near
        self.outcome.points = self.chaos.points
        self.outcome.meddled = frozenset(self.outsiders.meddled & {"renamed"})
        self.outcome.picture = self.world.picture()
        return self.outcome

    async def _scenario(self) -> None:
        scenario = self.scenario
        before = self.world.picture()
        self.invariants.watch()
        await self._begin()
        self.outsiders.begin(
            pauses=scenario.pauses, renames=scenario.renames, slow_watches=scenario.slow_watches
        )
        if scenario.ending in ("undone", "again"):
            steps = [step for stage in self.plan.stages for step in stage.steps]
            await self._walk("apply", stop=steps[int(scenario.stop_at * len(steps))].id)
            await self._undo(before)
        if scenario.ending != "undone":
            status = await self._walk("apply")
            if scenario.ending == "settled-undone" or status != "done":
                await self._undo(before)
        await asyncio.sleep(_QUIET_S)
        self.invariants.at_end()
        self.outsiders.end()

    async def _begin(self) -> None:
        await self.journal.start(
            Run(
                id=_RUN,
                cluster=self.plan.cluster,
                plan_sha256="",
                plan="",
                fleet="fleet.yaml",
                started_at=self.loop.time(),
                holder="simulation",
                schema=SCHEMA,
            )
        )
        await self._note(
            "run-started", "apply", plan_sha256="", holder="simulation", until="", version=SCHEMA
        )
        await self._note("approved", "apply", word="*", who="simulation", how="beforehand")

    async def _undo(self, before: dict[str, Any]) -> None:
        applied = self.outcome.status
        await self._walk("undo")
        await asyncio.sleep(_QUIET_S)
        if self.outcome.status == "undone":
            self.outcome.left += differences(before, self.world.picture())
            if applied == "refused" and self.scenario.ending == "settled" and self.outcome.refusals:
                self.outcome.status = "refused, then undone"

    async def _walk(self, direction: Direction, stop: str = "") -> str:
        """Walks until the goal, through deaths and refusals; after some of them without further faults."""
        refused = 0
        while True:
            self._lives += 1
            if self._lives > _LIVES or refused > 2:
                self._calm()
            status = await self._live(direction, stop)
            self.outcome.status = status
            if status == "refused":
                refused += 1
                if refused > 5:
                    return status
                await asyncio.sleep(self.chaos.chance.uniform(60, 300))
            elif status != "died":
                return status
            await self._note("resumed", direction, holder=f"life {self._lives}")

    def _calm(self) -> None:
        if self.chaos.rate or self.chaos.at:
            self._tell("no more faults from here")
        self.chaos.rate = 0.0
        self.chaos.at = {}

    async def _live(self, direction: Direction, stop: str) -> str:
        """One life of the process."""
        self.chaos.dead = False

        async def before_step(step: Step) -> None:
            if stop and step.id == stop:
                raise Paused("the scenario stops here")

        try:
            steps = StepRun(
                run_id=_RUN,
                plan=self.plan,
                access=self._access,
                registry=self._registry,
                journal=FaultyJournal(self.journal, self.chaos),
                patience=PATIENCE,
                chance=self._chance(f"life {self._lives}"),
            )
            await self._note("resumed", direction, holder="simulation")
            return str(
                await walk(
                    steps,
                    self.plan,
                    self.journal,
                    _RUN,
                    direction=direction,
                    goal="",
                    before_step=before_step,
                )
            )
        except ProcessDeath as death:
            self._tell(f"process died at {death}")
            await asyncio.sleep(self.chaos.chance.uniform(0.5, 40))
            return "died"

    async def _note(self, kind: Any, direction: Direction, **data: Any) -> None:
        """By somebody at another terminal: no fault of ours hits it."""
        await self.journal.append(_RUN, Event(at=self.loop.time(), kind=kind, direction=direction, data=data))

    def _event(self, event: Event) -> None:
        if event.kind in ("step-refused", "retry", "hold"):
            why = f" {event.data.get('code')} {event.data.get('what')}: {event.data.get('why')}"
        elif event.kind == "check":
            why = f" {event.data['kind']} {event.data['outcome']} {event.data['why']}"
        else:
            why = ""
        if event.kind == "step-refused":
            self.outcome.refusals.append(f"{event.direction} {event.step}{why}")
        self._tell(f"{event.direction} {event.step} {event.kind}{why}")

    def _tell(self, text: str) -> None:
        self.outcome.trace.append(f"{self.loop.time() - NOW.timestamp():9.2f} {text}")

    def _chance(self, what: str) -> random.Random:
        return random.Random(f"{self.scenario.seed}/{what}")  # noqa: S311  (a simulation)


def explore(scenario: Scenario, **options: Any) -> Outcome:
    """Runs one scenario."""
    return Simulation(scenario, **options).go()
