"""A toy migration: its steps set names of things in a dictionary, its checks look at them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from replank.domain.errors import Refused
from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.engine.patience import Patience
from replank.engine.step_run import StepRun
from replank.engine.walk import walk
from replank.inventory.facts.json_value import JSON
from replank.journal.event import SCHEMA, Direction, Event
from replank.journal.state import RunStatus
from replank.migrations.takeover.steps.at import At
from replank.plan import codec
from replank.plan.model import Irreversible, PlanCheck, PointOfNoReturn, Stage, Step, Undo
from replank.plan.takeover import LoadBalancerChoice, TakeoverPlan, Targets
from replank.ports.access import Access, Conflict, Document, ObjectRef
from replank.ports.journal import Journal, Run
from replank.ports.receipts import receipt
from replank.ports.steps import Registry

RUN = "toy-20260101-000000-abcd"
PATIENCE = Patience(poll_s=2, gate_s=60, hold_s=600, attempts=3, first_pause_s=1, longest_pause_s=4)


class Death(BaseException):
    """The process ends here."""


class Clock:
    """Virtual: sleeping costs nothing. `on_sleep` runs at every sleep."""

    def __init__(self) -> None:
        self.time = 1_767_225_600.0
        self.on_sleep: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.on_sleep()
        await asyncio.sleep(0)


@dataclass
class World:
    """`names`: what steps change. `calls`: every call of a code. `before_call` may raise."""

    names: dict[str, str] = field(default_factory=lambda: {"a": "old-a", "b": "old-b", "c": "", "d": "old-d"})
    calls: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    before_call: Callable[[str], None] = lambda _: None
    after_call: Callable[[str], None] = lambda _: None

    def called(self, what: str) -> None:
        self.calls.append(what)
        self.before_call(what)


@dataclass(frozen=True)
class Rename:
    """Sets `names[thing]`; undo puts the found one back."""

    world: World

    async def found(self, at: At) -> JSON:
        assert at.before is None
        thing = cast("str", at.step.params["thing"])
        self.world.called(f"found {thing}")
        return {"name": self.world.names[thing]}

    async def apply(self, at: At) -> JSON:
        thing, name = cast("str", at.step.params["thing"]), cast("str", at.step.params["name"])
        self.world.called(f"apply {thing}")
        if self.world.names[thing] != name:
            self.world.names[thing] = name
            self.world.writes.append(f"{thing}={name}")
            receipt(f"PUT {thing} req-{len(self.world.writes)}")
        self.world.after_call(f"apply {thing}")
        return {"renamed": thing}

    async def undo(self, at: At) -> JSON:
        thing = cast("str", at.step.params["thing"])
        self.world.called(f"undo {thing}")
        before = cast("dict[str, str]", at.before)["name"]
        if self.world.names[thing] != before:
            self.world.names[thing] = before
            self.world.writes.append(f"{thing}={before}")
        self.world.after_call(f"undo {thing}")
        return None


@dataclass(frozen=True)
class Named:
    """Whether the thing is called so."""

    world: World

    async def __call__(self, at: At, params: Mapping[str, JSON]) -> Verdict:
        thing, name = cast("str", params["thing"]), cast("str", params["name"])
        self.world.called(f"check {thing}")
        seen = self.world.names[thing]
        return passed(name=seen) if seen == name else waiting(f"{thing} is called {seen!r}")


@dataclass(frozen=True)
class Exists:
    world: World

    async def __call__(self, at: At, params: Mapping[str, JSON]) -> Verdict:
        thing = cast("str", params["thing"])
        self.world.called(f"exists {thing}")
        return passed() if thing in self.world.names else failed(f"there is no {thing}", "Make it.")


def registry(world: World, **more: Any) -> Registry:
    """`more`: kinds by name with `_` for `.`; callables are checks."""
    steps: dict[str, Any] = {"toy.rename": Rename(world)}
    checks: dict[str, Any] = {"toy.named": Named(world), "toy.exists": Exists(world)}
    for name, code in more.items():
        (steps if hasattr(code, "apply") else checks)[name.replace("_", ".", 1)] = code
    return Registry(steps=steps, checks=checks)


def step(stage: str, thing: str, **changes: Any) -> Step:
    values: dict[str, Any] = {
        "id": f"{stage}/1-{thing}",
        "kind": "toy.rename",
        "says": f"Rename {thing}.",
        "params": {"thing": thing, "name": f"new-{thing}"},
        "before": (PlanCheck(kind="toy.exists", says="It is there", params={"thing": thing}),),
        "after": (
            PlanCheck(
                kind="toy.named", says="It has its new name", params={"thing": thing, "name": f"new-{thing}"}
            ),
        ),
        "undo": Undo(kind="toy.rename", says="Give it its old name back."),
    }
    return Step(**{**values, **changes})


def plan(
    *stages: tuple[Step, ...], no_return: tuple[PointOfNoReturn, ...] = (), cluster: str = "toy"
) -> TakeoverPlan:
    """Without arguments: four renames in three stages."""
    given = stages or (
        (step("align", "a"), step("align", "b")),
        (step("build", "c"),),
        (step("settle", "d"),),
    )
    return TakeoverPlan(
        migration="takeover",
        cluster=cluster,
        namespace="default",
        made_by="replank test",
        snapshot_sha256="0" * 64,
        targets=Targets(),
        kubernetes_version="v1.33.0",
        ready=True,
        settings={},
        load_balancer=LoadBalancerChoice(mode="none", why="a toy", endpoint="https://127.0.0.1:6443"),
        machines=(),
        groups=(),
        ownership=(),
        forget=(),
        findings=(),
        points_of_no_return=no_return,
        stages=tuple(
            Stage(name=steps[0].id.split("/")[0], title="T", says="S", rest="R", steps=steps)
            for steps in given
        ),
        secrets=(),
        manifests={},
    )


def irreversible(the_step: Step) -> Step:
    return replace(the_step, undo=Irreversible(irreversible="nobody remembers"))


class MemoryJournal:
    """ports.journal.Journal. `before_append`, `after_append` may raise."""

    def __init__(self) -> None:
        self.kept: dict[str, list[Event]] = {}
        self._runs: dict[str, Run] = {}
        self.before_append: Callable[[Event], None] = lambda _: None
        self.after_append: Callable[[Event], None] = lambda _: None

    async def start(self, run: Run) -> None:
        self._runs.setdefault(run.id, run)
        self.kept.setdefault(run.id, [])

    async def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise Refused("RP809", "no run", "none", "none")
        return self._runs[run_id]

    async def runs(self) -> tuple[Run, ...]:
        return tuple(self._runs.values())

    async def append(self, run_id: str, event: Event) -> None:
        self.before_append(event)
        self.kept[run_id].append(event)
        self.after_append(event)

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(self.kept[run_id][after:])


class Kube:
    """As much of ports.access.KubeApi as a Lease needs."""

    def __init__(self, fence: Callable[[], None] = lambda: None) -> None:
        self.objects: dict[ObjectRef, Document] = {}
        self.fence = fence
        self.broken: Exception | None = None
        self._version = 0

    async def get(self, ref: ObjectRef) -> Document | None:
        if self.broken:
            raise self.broken
        found = self.objects.get(ref)
        return None if found is None else cast("Document", codec.json.loads(codec.json.dumps(found)))

    async def create(self, document: Mapping[str, Any]) -> Document:
        return self._keep(ObjectRef.of(document), dict(document), exists=False)

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        found = self.objects[ref]
        if resource_version and found["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("RP000", "conflict", "version", "again")
        return self._keep(ref, {**found, "spec": {**found["spec"], **patch["spec"]}}, exists=True)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        self.fence()
        if self.broken:
            raise self.broken
        return self.objects.pop(ref, None) is not None

    def _keep(self, ref: ObjectRef, document: Document, *, exists: bool) -> Document:
        self.fence()
        if self.broken:
            raise self.broken
        if not exists and ref in self.objects:
            raise Conflict("RP000", "conflict", "exists", "again")
        self._version += 1
        meta = {"uid": "u1", **document["metadata"], "resourceVersion": str(self._version)}
        self.objects[ref] = {**document, "metadata": meta}
        return self.objects[ref]


def access(clock: Clock, workload: Kube | None = None) -> Access:
    """Only the clock and the workload cluster are of use."""
    nothing = cast("Any", None)
    return Access(
        cloud=nothing,
        management=nothing,
        workload=cast("Any", workload or Kube()),
        hosts=nothing,
        states=nothing,
        judge=nothing,
        clock=clock,
    )


def a_run(the_plan: TakeoverPlan, run_id: str = RUN, schema: str = SCHEMA, at: float = 0.0) -> Run:
    return Run(
        id=run_id,
        cluster=the_plan.cluster,
        plan_sha256=codec.sha256(the_plan),
        plan=codec.dump(the_plan),
        fleet="fleet.yaml",
        started_at=at,
        holder="me@here:1",
        schema=schema,
    )


@dataclass
class Toy:
    """A run over a memory journal; every `go` is a new process."""

    plan: TakeoverPlan = field(default_factory=plan)
    world: World = field(default_factory=World)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    clock: Clock = field(default_factory=Clock)
    more: dict[str, Any] = field(default_factory=dict)
    patience: Patience = PATIENCE

    async def begin(self) -> None:
        await self.journal.start(a_run(self.plan))
        await self.note("run-started")

    async def note(self, kind: Any, direction: Direction = "apply", **data: JSON) -> None:
        self.written(kind, direction, **data)

    def written(self, kind: Any, direction: Direction = "apply", **data: JSON) -> None:
        """As another process writes it."""
        event = Event(at=self.clock.now(), kind=kind, direction=direction, data=data)
        self.journal.kept[RUN].append(event)

    async def go(self, direction: Direction = "apply", goal: str = "") -> RunStatus:
        if not self.journal.kept:
            await self.begin()
        run = StepRun(
            run_id=RUN,
            plan=self.plan,
            access=access(self.clock),
            registry=registry(self.world, **self.more),
            journal=cast("Journal", self.journal),
            patience=self.patience,
            chance=random.Random(1),
        )

        async def before_step(_: Step) -> None:
            await run.log.stop_if_asked()

        return await walk(
            run, self.plan, self.journal, RUN, direction=direction, goal=goal, before_step=before_step
        )

    def kinds(self, step_id: str = "") -> list[str]:
        events = self.journal.kept[RUN]
        return [event.kind for event in events if not step_id or event.step == step_id]

    def last(self, kind: str) -> Event:
        return next(event for event in reversed(self.journal.kept[RUN]) if event.kind == kind)
