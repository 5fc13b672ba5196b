"""Stages, steps and gates: each one of the plan, with what the journal says of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from replank.domain.verdict import Outcome
from replank.journal.event import Event
from replank.journal.state import RunState, StepState
from replank.plan.model import Irreversible, Plan, PlanCheck, Stage, Step
from replank.report.headline import points_of_no_return
from replank.report.run.events import word, words
from replank.report.run.model import Did, Gate, Hold, StageReport, StepReport


def stage_reports(
    plan: Plan, events: Sequence[Event], state: RunState, holds: Sequence[Hold], at: float
) -> tuple[StageReport, ...]:
    """Every stage of the plan, also those that the run has not come to. `at`: now, for holds that go on."""
    by_step: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.step:
            by_step[event.step].append(event)
    points = points_of_no_return(plan)
    return tuple(_stage(stage, by_step, state, holds, at, points) for stage in plan.stages)


def _stage(
    stage: Stage,
    by_step: Mapping[str, Sequence[Event]],
    state: RunState,
    holds: Sequence[Hold],
    at: float,
    points: Mapping[str, str],
) -> StageReport:
    names = {step.id for step in stage.steps}
    steps = tuple(_step(s, by_step.get(s.id, ()), state.steps.get(s.id), points) for s in stage.steps)
    started = [step.started_at for step in steps if step.started_at is not None]
    ended = [step.ended_at for step in steps if step.ended_at is not None]
    return StageReport(
        name=stage.name,
        title=stage.title,
        rest=stage.rest,
        steps=steps,
        started_at=min(started, default=None),
        ended_at=max(ended) if ended and len(ended) == len(steps) else None,
        held_s=sum((h.until if h.until is not None else at) - h.at for h in holds if h.step in names),
        retries=sum(1 for name in names for e in by_step.get(name, ()) if e.kind == "retry"),
        on_request=stage.on_request,
    )


def _step(
    step: Step, events: Sequence[Event], state: StepState | None, points: Mapping[str, str]
) -> StepReport:
    applying = [e for e in events if e.direction == "apply"]
    done = [e for e in applying if e.kind == "step-done"]
    found = [e for e in applying if e.kind == "found"]
    passed_over = [e for e in events if e.kind == "not-undone"]
    irreversible = step.undo.irreversible if isinstance(step.undo, Irreversible) else ""
    return StepReport(
        id=step.id,
        kind=step.kind,
        says=step.says,
        params=step.params,
        status=state.status if state is not None else "pending",
        attempts=sum(1 for e in applying if e.kind == "step-started"),
        started_at=next((e.at for e in applying if e.kind == "step-started"), None),
        ended_at=done[-1].at if done else None,
        already=bool(done) and done[-1].data.get("already") is True,
        approval=step.approval,
        gates=(*_gates("before", step.before, applying), *_gates("after", step.after, applying)),
        found=bool(found),
        before=found[-1].data.get("before") if found else None,
        did=tuple(_did(e) for e in events if e.kind == "applied" or words(e.data, "receipts")),
        undo="" if isinstance(step.undo, Irreversible) else step.undo.says,
        irreversible=irreversible,
        lossy="" if irreversible else points.get(step.id, ""),
        not_undone=word(passed_over[-1].data, "why") if passed_over else "",
    )


def _did(event: Event) -> Did:
    return Did(
        at=event.at,
        direction=event.direction,
        evidence=event.data.get("evidence"),
        receipts=words(event.data, "receipts"),
    )


def _gates(
    when: Literal["before", "after"], checks: Sequence[PlanCheck], events: Sequence[Event]
) -> tuple[Gate, ...]:
    """The plan's checks in its order. Two that are alike in words and kind are one question."""
    answers: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event.kind == "check" and event.data.get("when") == when:
            answers[word(event.data, "kind"), word(event.data, "says")].append(event)
    return tuple(_gate(when, check, answers.get((check.kind, check.says), [])) for check in checks)


def _gate(when: Literal["before", "after"], check: PlanCheck, answers: Sequence[Event]) -> Gate:
    if not answers:
        return Gate(when=when, kind=check.kind, says=check.says, outcome="not asked", params=check.params)
    last = answers[-1]
    evidence = last.data.get("evidence")
    return Gate(
        when=when,
        kind=check.kind,
        says=check.says,
        outcome=_outcome(word(last.data, "outcome")),
        at=last.at,
        asked=len(answers),
        why=word(last.data, "why"),
        todo=word(last.data, "todo"),
        evidence=evidence if isinstance(evidence, dict) else {},
        params=check.params,
    )


def _outcome(text: str) -> Outcome:
    """What is no known outcome is unknown, never a pass."""
    for outcome in get_args(Outcome):
        if text == outcome:
            found: Outcome = outcome
            return found
    return "unknown"
