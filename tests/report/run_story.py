"""Runs of the sample plan as the engine journals them: a small builder of event lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replank.journal.event import Direction, Event, EventKind
from replank.plan.model import Irreversible, PlanCheck, Stage, Step, Undo
from replank.plan.takeover import TakeoverPlan
from replank.probe.judge import Limits, ProbeResult, TargetResult, judge_all, judge_target
from replank.probe.sample import Sample, Ticks
from replank.probe.series import Stats, Tally

BEGIN = 1_795_654_800.0  # 2026-11-26 01:00:00 UTC


@dataclass
class Story:
    """Events in order. Each thing that happens takes `pace_s` seconds."""

    plan: TakeoverPlan
    pace_s: float = 3.0
    now: float = BEGIN
    events: list[Event] = field(default_factory=list)

    def tell(self, kind: EventKind, step: str = "", direction: Direction = "apply", /, **data: Any) -> Story:
        self.events.append(Event(at=self.now, kind=kind, direction=direction, step=step, data=data))
        return self

    def wait(self, seconds: float) -> Story:
        self.now += seconds
        return self

    def start(self, until: str = "") -> Story:
        return self.tell(
            "run-started", plan_sha256="ab" * 32, holder="ana@ops-1", until=until, version="replank 0.1.0"
        )

    def check(self, step: Step, when: str, check: PlanCheck, outcome: str = "pass", **data: Any) -> Story:
        told = {"why": "", "todo": "", "evidence": {}, **data}
        return self.tell(
            "check", step.id, when=when, kind=check.kind, says=check.says, outcome=outcome, **told
        )

    def begin(self, step: Step, attempt: int = 1) -> Story:
        return self.tell("step-started", step.id, attempt=attempt)

    def before(self, step: Step) -> Story:
        for check in step.before:
            self.check(step, "before", check)
        return self

    def rest(self, step: Step, found: Any = None, did: Any = None, receipts: tuple[str, ...] = ()) -> Story:
        """From the look before the first apply to the end."""
        self.tell("found", step.id, before=found).wait(self.pace_s)
        self.tell("applied", step.id, evidence=did, receipts=list(receipts))
        for check in step.after:
            self.check(step, "after", check, evidence={"seen": check.kind})
        return self.tell("step-done", step.id, already=False)

    def approve(self, step: Step) -> Story:
        if step.approval:
            self.tell("approval-needed", step.id, word=step.approval, why=f"{step.says}").wait(20)
            self.tell("approved", step.id, word=step.approval, who="ana (ana@fleet)", how="typed the name")
        return self

    def do(self, step: Step) -> Story:
        self.approve(step).begin(step).before(step)
        name = step.params.get("name") or step.params.get("new")
        ports = {p.id: p.old for m in self.plan.machines for p in m.ports}
        found = {"name": ports.get(str(step.params.get("port")), ""), "tags": []} if name else None
        did = {"port": step.params.get("port"), "name": name} if name else {"objects": list(step.objects)}
        return self.rest(step, found, did, (f"PUT {step.kind} req-{len(self.events):04d}",))

    def apply(self, until: str = "") -> Story:
        """Everything up to the end of a stage."""
        for stage in self.plan.stages:
            for step in stage.steps:
                self.do(step)
            if stage.name == until:
                break
        return self.tell("run-done", until=until)

    def undo(self, to: str = "") -> Story:
        self.tell("resumed", "", "undo", holder="ana@ops-1")
        begun = {e.step for e in self.events if e.kind == "step-started"}
        for step in reversed(steps(self.plan)):
            if step.id not in begun or (to and step.id.startswith(f"{to}/")):
                continue
            self.tell("step-started", step.id, "undo", attempt=2).wait(self.pace_s)
            if isinstance(step.undo, Irreversible):
                self.tell("not-undone", step.id, "undo", why=step.undo.irreversible)
                continue
            found = [e for e in self.events if e.step == step.id and e.kind == "found"]
            old = found[-1].data["before"] if found else None
            self.tell("applied", step.id, "undo", evidence=old, receipts=[f"DELETE req-{len(self.events)}"])
            self.tell("step-done", step.id, "undo", already=False)
        return self.tell("run-done", "", "undo", until=to)


def steps(plan: TakeoverPlan) -> list[Step]:
    return [step for stage in plan.stages for step in stage.steps]


def with_looks(plan: TakeoverPlan) -> TakeoverPlan:
    """The plan with a last step that compares the IDs, as the planner's stages have them."""
    import dataclasses

    look = PlanCheck(
        kind="openstack.unchanged",
        says="OpenStack still has exactly these servers and ports.",
        params={
            "servers": [m.server_id for m in plan.machines],
            "ports": [p.id for m in plan.machines for p in m.ports],
        },
    )
    step = Step(
        id="look/1-look",
        kind="verify.unchanged",
        says="Look at everything once more.",
        after=(look,),
        undo=Undo(kind="nothing", says="It only looks."),
    )
    stage = Stage(name="look", title="Look", says="Look again.", rest="As before.", steps=(step,))
    return dataclasses.replace(plan, stages=(*plan.stages, stage))


def stats(marks: str, begin: float = BEGIN) -> Stats:
    tally = Tally(ticks=Ticks(started_at=begin, interval_s=0.1))
    for index, mark in enumerate(marks):
        reason = {".": "", "F": "connection refused", "?": "the sampler itself was 0.31 s late"}[mark]
        took = 0.012 if mark == "." else 0.0
        tally.take(Sample(index=index, mark=mark, took_s=took, reason=reason))  # type: ignore[arg-type]
    return tally.stats()


def probe(marks: Mapping[str, str], *, complete: bool = True, baseline: str = "") -> ProbeResult:
    """What the probes saw: name -> marks."""
    targets = []
    before = stats(baseline, BEGIN - 60) if baseline else None
    for name, text in marks.items():
        seen = stats(text)
        outcome, why = judge_target(seen, before, Limits())
        targets.append(
            TargetResult(
                name=name,
                kind="api" if name.startswith("api") else "http",
                address="https://203.0.113.10:6443/readyz"
                if name.startswith("api")
                else "http://10.0.0.21:30080/",
                timeout_s=1.0,
                outcome=outcome,
                why=why,
                stats=seen,
                baseline=before,
            )
        )
    return judge_all(tuple(targets), started_at=BEGIN, interval_s=0.1, complete=complete)
