"""An engine that only writes the events which a real one would, into a journal in memory; and its world.

What a cluster is to do is scripted by step: `refuse`, or `pause` (somebody asks for it while the step runs).
Approvals are asked for as the engine does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from replank.app.wiring import Wiring, live_readers
from replank.domain.errors import Refused
from replank.journal.event import SCHEMA, Direction, Event, EventKind
from replank.journal.state import RunStatus, state_of
from replank.plan import codec
from replank.plan.model import Step
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Judgement
from replank.ports.journal import Run
from replank.probe.judge import ProbeResult, judge_all
from replank.survey.fleet import Readers


class MemoryJournal:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[Run, list[Event]]] = {}
        self.full = False
        self.at_work = True

    async def start(self, run: Run) -> None:
        self.kept[run.id] = (run, [])

    async def run(self, run_id: str) -> Run:
        return self.kept[run_id][0]

    async def runs(self) -> tuple[Run, ...]:
        return tuple(run for run, _ in self.kept.values())

    async def worked_on(self, run_id: str) -> bool:
        return self.at_work

    async def append(self, run_id: str, event: Event) -> None:
        if self.full:
            raise Refused("RP001", "A file cannot be written", "No space left on device", "Make room.")
        self.kept[run_id][1].append(event)

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(self.kept[run_id][1][after:])


@dataclass
class FakeEngine:
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    scripts: dict[tuple[str, str], str] = field(default_factory=dict)
    at_step: Callable[[str, Step], None] = lambda cluster, step: None
    in_work: set[str] = field(default_factory=set)
    most_at_once: int = 0
    order: list[str] = field(default_factory=list)
    plans: dict[str, TakeoverPlan] = field(default_factory=dict)
    approvals: list[tuple[str, tuple[str, ...], str, str]] = field(default_factory=list)
    started_at: float = 1.0e9
    refuses: Refused | None = None

    async def start(self, plan: TakeoverPlan, plan_text: str, *, fleet: str, until: str, holder: str) -> str:
        run_id = f"{plan.cluster}-{len(self.journal.kept) + 1}"
        run = Run(
            id=run_id,
            cluster=plan.cluster,
            plan_sha256=codec.sha256(plan),
            plan=plan_text,
            fleet=fleet,
            started_at=self.started_at,
            holder=holder,
            schema=SCHEMA,
        )
        self.plans[run_id] = plan
        await self.journal.start(run)
        await self._note(run_id, "run-started", holder=holder, until=until)
        return run_id

    async def carry_on(
        self, run_id: str, *, direction: Direction, goal: str, holder: str, take_over: bool = False
    ) -> RunStatus:
        run = await self.journal.run(run_id)
        plan = self.plans[run_id]
        if self.refuses is not None:
            raise self.refuses
        self.in_work.add(run_id)
        self.most_at_once = max(self.most_at_once, len(self.in_work))
        self.order.append(run.cluster)
        if self.journal.kept[run_id][1][-1].kind != "run-started":
            await self._note(run_id, "resumed", direction, holder=holder, until=goal)
        try:
            return await self._walk(run_id, plan, direction, goal)
        finally:
            self.in_work.discard(run_id)

    async def pause(self, run_id: str, why: str) -> None:
        if state_of(await self.journal.events(run_id)).status == "running":
            await self._note(run_id, "paused", why=why)

    async def approve(self, run_id: str, words: Sequence[str], who: str, how: str) -> None:
        self.approvals.append((run_id, tuple(words), who, how))
        for word in words:
            await self._note(run_id, "approved", word=word, who=who, how=how)

    async def abort(self, run_id: str, holder: str) -> None:
        await self._note(run_id, "aborted", holder=holder)

    async def _walk(self, run_id: str, plan: TakeoverPlan, direction: Direction, goal: str) -> RunStatus:
        for step in steps_to(plan, direction, goal):
            state = state_of(await self.journal.events(run_id))
            if state.status in ("paused", "aborted"):
                return state.status
            here = state.steps.get(step.id)
            if direction == "undo" and (here is None or not here.started):
                continue
            if direction == "apply" and here is not None and here.status == "done":
                continue
            word = step.approval or (step.id if step.id in points(plan) else "")
            if direction == "apply" and word and word not in state.approved:
                await self._note(
                    run_id, "approval-needed", direction, step.id, word=word, why="it cannot be undone"
                )
                return "waiting-for-approval"
            await self._note(run_id, "step-started", direction, step.id, attempt=1)
            self.at_step(plan.cluster, step)
            await asyncio.sleep(0.002)
            if self.scripts.get((plan.cluster, step.id)) == "refuse":
                why = "the port is not where it was"
                await self._note(
                    run_id, "step-refused", direction, step.id, code="RP830", what="x", why=why, todo="y"
                )
                return "refused"
            await self._note(run_id, "step-done", direction, step.id, already=False)
        await self._note(run_id, "run-done", direction, until=goal)
        return "done" if direction == "apply" else "undone"

    async def _note(
        self, run_id: str, kind: EventKind, direction: Direction = "apply", step: str = "", **data: Any
    ) -> None:
        event = Event(at=self.started_at, kind=kind, direction=direction, step=step, data=data)
        await self.journal.append(run_id, event)


def points(plan: TakeoverPlan) -> set[str]:
    return {point.step for point in plan.points_of_no_return}


def steps_to(plan: TakeoverPlan, direction: Direction, goal: str) -> list[Step]:
    names = [stage.name for stage in plan.stages]
    if direction == "apply":
        usual = [stage for stage in plan.stages if not stage.on_request]
        stages = plan.stages[: names.index(goal) + 1] if goal else usual
        return [step for stage in stages for step in stage.steps]
    stages = plan.stages[names.index(goal) + 1 :] if goal else plan.stages
    return [step for stage in reversed(stages) for step in reversed(stage.steps)]


@dataclass
class Answers:
    """Somebody at a terminal."""

    lines: list[str]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, question: str) -> str:
        self.asked.append(question)
        return self.lines.pop(0) if self.lines else ""


@dataclass
class FakeProbes:
    """`dies`: their process ends before it is told to. `events`: what was done to them, in order."""

    dies: bool = False
    events: list[str] = field(default_factory=list)

    async def baseline_over(self) -> None:
        self.events.append("baseline")

    async def ended(self) -> None:
        await asyncio.Event().wait()

    def result(self) -> ProbeResult:
        return judge_all((), started_at=0.0, interval_s=0.1, complete=not self.dies)


@dataclass
class FakeWorld:
    """`clusters_there`: workload clusters that the management cluster has. `missing`: rights, by cluster."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    answers: Answers | None = None
    clusters_there: int = 0
    missing: dict[str, list[str]] = field(default_factory=dict)
    judge: str = "cluster-api v1.14.0"
    probes: FakeProbes | None = None
    readers: Callable[[], Readers] = lambda: live_readers(parallel=8, timeout_s=20)

    @property
    def wiring(self) -> Wiring:
        return Wiring(
            readers=self.readers,
            access=self._access,
            missing_rights=self._missing_rights,
            runner=self._runner,
            journal=self._journal,
            probes=self._probes,
            ask=lambda: self.answers,
        )

    @asynccontextmanager
    async def _access(self, config: object, plan: TakeoverPlan) -> AsyncIterator[Any]:
        async def listed(*_: object) -> tuple[object, ...]:
            return ({},) * self.clusters_there

        async def user() -> str:
            return "jane@mgmt"

        async def judge(_: object) -> Judgement:
            return Judgement(by=self.judge, rolling=())

        async def keystone() -> str:
            return "jane@legacy"

        yield SimpleNamespace(
            management=SimpleNamespace(list=listed, whoami=user),
            cloud=SimpleNamespace(whoami=keystone),
            judge=SimpleNamespace(judge=judge),
        )

    async def _missing_rights(self, access: object, plan: TakeoverPlan) -> Sequence[str]:
        return self.missing.get(plan.cluster, [])

    @asynccontextmanager
    async def _runner(self, url: str) -> AsyncIterator[FakeEngine]:
        self._make(url)
        yield self.engine

    @asynccontextmanager
    async def _journal(self, url: str) -> AsyncIterator[MemoryJournal]:
        self._make(url)
        yield self.engine.journal

    @asynccontextmanager
    async def _probes(self, config: object, record: Path, baseline_s: float) -> AsyncIterator[Any]:
        if self.probes is None:
            raise Refused("RP983", "The probes cannot start", "why", "todo")
        self.probes.events.append("opened")
        yield self.probes
        self.probes.events.append("closed")
        if self.probes.dies:
            raise Refused("RP984", "The probes' process ended", "it ended with status 9", "Probe again.")

    def _make(self, url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(exist_ok=True)
        file.touch()


class Remembering:
    """A reader that asks the real one once for each question, over all tests: the twin does not change."""

    def __init__(self, reader: object, answers: dict[str, Any]) -> None:
        self._reader = reader
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*question: object) -> Any:
            key = f"{type(self._reader).__name__}.{name}{question!r}"
            if key not in self._answers:
                self._answers[key] = await getattr(self._reader, name)(*question)
            return self._answers[key]

        return ask


def remembering(answers: dict[str, Any]) -> Readers:
    live = live_readers(parallel=8, timeout_s=20)
    kinds = {f.name: Remembering(getattr(live, f.name), answers) for f in fields(Readers)}
    return Readers(**kinds)  # type: ignore[arg-type]
