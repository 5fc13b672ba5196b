"""The first lines of a report: what became of the run, why, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.journal.event import Event
from replank.journal.state import RunState, RunStatus
from replank.plan.model import Plan
from replank.probe.judge import ProbeResult
from replank.report.run.events import word
from replank.report.run.model import Approval, Ending, GiveBack, Headline, Hold, Refusal, StageReport
from replank.report.words import count, sentence


def status_of(events: Sequence[Event], state: RunState) -> RunStatus:
    """How the run stands. One whose approval was given, and that goes on, waits no longer."""
    if state.status == "waiting-for-approval":
        for event in reversed(events):
            if event.kind == "approval-needed":
                break
            if event.kind == "step-started":
                return "running"
    return state.status


def headline(
    plan: Plan,
    run_id: str,
    status: RunStatus,
    events: Sequence[Event],
    *,
    state: RunState,
    stages: Sequence[StageReport],
    refusals: Sequence[Refusal],
    approvals: Sequence[Approval],
    hold: Hold | None,
    back: GiveBack,
    probe: ProbeResult | None,
) -> Headline:
    """The verdict."""
    match status:
        case "done":
            return _with_probe(_done(plan, run_id, events, stages, back), probe)
        case "undone":
            return _with_probe(_undone(events, stages, back), probe)
        case "refused":
            return _refused(run_id, refusals, back)
        case "paused":
            says, because = "Paused", sentence(state.why or "somebody asked for it")
            return Headline(
                ending="paused", tone="wait", says=says, because=because, next=_on_or_back(run_id, back)
            )
        case "aborted":
            return Headline(
                ending="aborted",
                tone="bad",
                says="Aborted",
                because=f"Somebody gave this run up. {_standing(stages)}",
                next=_back(run_id, back),
            )
        case "waiting-for-approval":
            return _waiting(plan, run_id, approvals)
        case "running":
            return _running(run_id, state, stages, hold)


_REACHED: Final[dict[str, tuple[Ending, str, str]]] = {
    "takeover": ("taken-over", "Taken over", "Cluster API owns the cluster."),
    "runtime-swap": ("swapped", "Swapped", "Every node of the plan serves on the new runtime."),
}
"""Migration -> ending, headline, and what that means."""


def _done(
    plan: Plan, run_id: str, events: Sequence[Event], stages: Sequence[StageReport], back: GiveBack
) -> Headline:
    if all(stage.status == "done" for stage in stages if not stage.on_request):
        ending, says, meaning = _REACHED[plan.migration]
        return Headline(
            ending=ending,
            tone="good",
            says=says,
            because=f"{meaning} Every step is done and every check after it has passed.",
            next=(*_on_request(stages), *_back(run_id, back)),
        )
    until = _goal(events)
    title = next((stage.title for stage in stages if stage.name == until), until or "its last step")
    following = next((stage.title for stage in stages if stage.status in ("pending", "partly done")), "")
    rest = next((stage.rest for stage in stages if stage.name == until), "")
    return Headline(
        ending="stage-reached",
        tone="wait",
        says=f"Stage reached: {title}",
        because=f"It was to go so far. {rest}".strip(),
        next=(
            f"`replank apply PLAN` goes on{f' with stage {following}' if following else ''}.",
            *_back(run_id, back),
        ),
    )


def _on_request(stages: Sequence[StageReport]) -> tuple[str, ...]:
    left = [stage for stage in stages if stage.on_request and stage.status != "done"]
    if not left:
        return ("Nothing is left to do for this run.",)
    return tuple(f"`replank apply PLAN --until {s.name}`, when it is wanted: {s.rest}" for s in left)


def _undone(events: Sequence[Event], stages: Sequence[StageReport], back: GiveBack) -> Headline:
    to = _goal(events)
    title = next((stage.title for stage in stages if stage.name == to), to)
    lost = f" {count(len(back.lost), 'step')} had no undo and stayed." if back.lost else ""
    if to and back.steps:
        return Headline(
            ending="partly-undone",
            tone="wait",
            says=f"Undone back to stage {title}",
            because=f"What came after that stage was given back.{lost}",
            next=("`replank apply PLAN` goes on from there, `replank undo RUN` gives back the rest.",),
        )
    what = "What can be undone" if lost else "Everything that was changed"
    return Headline(
        ending="undone",
        tone="good",
        says="Undone",
        because=f"{what} is as it was found.{lost}",
        next=("Nothing. `replank apply PLAN` may be begun again.",),
    )


def _refused(run_id: str, refusals: Sequence[Refusal], back: GiveBack) -> Headline:
    if not refusals:
        return Headline(
            ending="refused",
            tone="bad",
            says="Refused",
            because="The journal does not say by which step.",
            next=_on_or_back(run_id, back),
        )
    last = refusals[-1]
    doing = "Undo refused" if last.direction == "undo" else "Refused"
    return Headline(
        ending="refused",
        tone="bad",
        says=f"{doing} at step {last.step}",
        because=f"{last.code} {last.what.rstrip('.')}: {sentence(last.why)}",
        next=(*((sentence(last.todo),) if last.todo else ()), *_on_or_back(run_id, back)),
    )


def _waiting(plan: Plan, run_id: str, approvals: Sequence[Approval]) -> Headline:
    open_ = [approval for approval in approvals if approval.at is None] or list(approvals[-1:])
    asked = open_[-1] if open_ else None
    step = f" for step {asked.step}" if asked and asked.step else ""
    return Headline(
        ending="waiting-for-approval",
        tone="wait",
        says=f"Waiting for approval{step}",
        because=sentence(asked.why) if asked and asked.why else "The plan asks a person.",
        next=(
            f"On a terminal `replank resume {run_id}` asks for the cluster's name, {plan.cluster}.",
            "Elsewhere `replank approve PLAN`, then `replank apply PLAN`.",
        ),
    )


def _running(run_id: str, state: RunState, stages: Sequence[StageReport], hold: Hold | None) -> Headline:
    undo = state.direction == "undo"
    says = "Being undone" if undo else "Running"
    if hold is not None:
        return Headline(
            ending="running",
            tone="wait",
            says=f"{says}, on hold at step {hold.step}",
            because=f"{hold.what.rstrip('.')}: {sentence(hold.why)}" if hold.what else sentence(hold.why),
            next=(
                *((sentence(hold.todo),) if hold.todo else ()),
                f"`replank pause {run_id}` stops it here.",
            ),
        )
    return Headline(
        ending="running",
        tone="wait",
        says=says,
        because=_standing(stages),
        next=(f"Nothing. `replank pause {run_id}` stops it after the running step.",),
    )


def _standing(stages: Sequence[StageReport]) -> str:
    steps = [step for stage in stages for step in stage.steps]
    done = sum(1 for step in steps if step.status == "done")
    return f"{done} of {count(len(steps), 'step')} are done."


def _on_or_back(run_id: str, back: GiveBack) -> tuple[str, ...]:
    return (f"`replank resume {run_id}` goes on.", *_back(run_id, back))


def _back(run_id: str, back: GiveBack) -> tuple[str, ...]:
    if not back.steps:
        return ()
    less = f", but for {count(len(back.never), 'step')} named below" if back.never else ""
    return (f"`replank undo {run_id}` gives the cluster back{less}.",)


def _goal(events: Sequence[Event]) -> str:
    return next((word(e.data, "until") for e in reversed(events) if e.kind == "run-done"), "")


def _with_probe(told: Headline, probe: ProbeResult | None) -> Headline:
    """A good end with a downtime is none."""
    if probe is None or probe.outcome == "passed":
        return told
    seen = "The probes saw an interruption" if probe.outcome == "failed" else "The probes are inconclusive"
    return Headline(
        ending=told.ending,
        tone="bad" if probe.outcome == "failed" else "wait",
        says=told.says,
        because=f"{told.because} {seen}: {sentence(probe.why)}",
        next=told.next,
    )
