"""replank's engine on the ground, beneath what `apply` looks at first: here each step's gates stand alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from replank.app.live_access import open_access
from replank.domain.verdict import Verdict, passed
from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.inventory.facts.json_value import JSON
from replank.journal.event import Direction, Event
from replank.migrations.takeover.steps import kubernetes_registry
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan
from replank.ports.steps import Registry

T = TypeVar("T")
HOLDER = "wrong-plans@ground"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run came to rest. `step`, `code`, `what`, `why`: of its last refusal, "" = there is none."""

    run_id: str
    status: str
    step: str = ""
    code: str = ""
    what: str = ""
    why: str = ""

    @classmethod
    def of(cls, run_id: str, status: str, events: tuple[Event, ...]) -> Ending:
        """From the run's journal."""
        refused = [event for event in events if event.kind == "step-refused"]
        if status != "refused" or not refused:
            return cls(run_id=run_id, status=status)
        last = refused[-1]
        words = {name: str(last.data[name]) for name in ("code", "what", "why")}
        return cls(run_id=run_id, status=status, step=last.step, **words)


@dataclass(frozen=True, slots=True)
class Beneath:
    """`fleet`: the desk's fleet.yaml; the journal stands beside it. Goes no further than stage `unpause`."""

    fleet: Path
    registry: Registry = field(default_factory=takeover_registry)
    gate_s: float = 240.0

    def begin(self, plan: TakeoverPlan) -> Ending:
        """A new run of the plan, until it comes to rest."""

        async def start(engine: Engine) -> str:
            text = codec.dump(plan)
            assert codec.load(text.encode(), where="the plan") == plan, "its hash is right"
            return await engine.start(plan, text, fleet=str(self.fleet), until="unpause", holder=HOLDER)

        return self.go_on(self._in_engine(start))

    def go_on(self, run_id: str) -> Ending:
        """On from where it stands."""
        return self._carry_on(run_id, "apply", "unpause")

    def approve(self, run_id: str, word: str) -> None:
        """A step's ID, or its word."""
        self._in_engine(lambda engine: engine.approve(run_id, [word], HOLDER, "in a test"))

    def undo(self, run_id: str) -> Ending:
        """All the way back."""
        return self._carry_on(run_id, "undo", "")

    def _carry_on(self, run_id: str, direction: Direction, goal: str) -> Ending:
        async def work(engine: Engine) -> Ending:
            status = await engine.carry_on(run_id, direction=direction, goal=goal, holder=HOLDER)
            return Ending.of(run_id, status, await engine.journal.events(run_id))

        return self._in_engine(work)

    def _in_engine(self, work: Callable[[Engine], Awaitable[T]]) -> T:
        async def inside() -> T:
            engine = Engine(
                database_url=f"sqlite:///{self.fleet.parent / 'beneath.db'}",
                registry=self.registry,
                open_access=open_access,
                patience=Patience(poll_s=1.0, gate_s=self.gate_s, hold_s=self.gate_s),
                clock=SystemClock(),
            )
            async with engine:
                return await work(engine)

        return asyncio.run(inside())


def gates_off() -> Registry:
    """The real steps with every check of every plan answering pass, the one that undo asks included."""

    async def blind(at: At, params: Mapping[str, JSON]) -> Verdict:
        return passed()

    registry = takeover_registry()
    return Registry(
        steps={**registry.steps, **kubernetes_registry.step_codes(blind)},
        checks=dict.fromkeys(registry.checks, blind),
    )
