"""`run_report`: everything that the page, the JSON and the terminal show of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from replank.domain.errors import Refused
from replank.journal.event import Event
from replank.journal.state import RunState, state_of
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.probe.judge import ProbeResult
from replank.probe.record import result_from
from replank.report.run.events import approvals, holds, refusals, retries, word
from replank.report.run.giving_back import give_back
from replank.report.run.identity import identities
from replank.report.run.measured import node_figures
from replank.report.run.model import RunReport
from replank.report.run.stages import stage_reports
from replank.report.run.swapped import node_swaps
from replank.report.run.unproven import unproven
from replank.report.run.verdict import headline, status_of


def run_report(
    plan: AnyPlan, events: Sequence[Event], *, run_id: str, at: float, probe: ProbeResult | None = None
) -> RunReport:
    """The report of a run as it stands `at` (seconds since 1970).

    `probe` None: what the newest `probe` event says, if there is one.
    """
    state = state_of(events)
    status = status_of(events, state)
    held = holds(events)
    stages = stage_reports(plan, events, state, held, at)
    steps = [step for stage in stages for step in stage.steps]
    seen, back = identities(plan, steps), give_back(steps, state)
    asked, refused = approvals(events), refusals(events)
    result = probe or _probe_of(events)
    hold = next((h for h in reversed(held) if h.until is None), None) if status == "running" else None
    told = headline(
        plan,
        run_id,
        status,
        events,
        state=state,
        stages=stages,
        refusals=refused,
        approvals=asked,
        hold=hold,
        back=back,
        probe=result,
    )
    return RunReport(
        run_id=run_id,
        cluster=plan.cluster,
        migration=plan.migration,
        plan_sha256=codec.sha256(plan),
        holder=_newest(events, ("run-started", "resumed"), "holder"),
        version=_newest(events, ("run-started",), "version"),
        at=at,
        started_at=events[0].at if events else None,
        last_at=events[-1].at if events else None,
        direction=state.direction,
        headline=told,
        current_step=_current(state, events) if status == "running" else "",
        current_hold=hold,
        stages=stages,
        identities=seen,
        approvals=asked,
        holds=held,
        retries=retries(events),
        refusals=refused,
        drift=next((e.data.get("differences") for e in reversed(events) if e.kind == "drift"), None),
        give_back=back,
        probe=result,
        unproven=unproven(plan, stages, seen, result),
        nodes=node_swaps(plan, steps),
        performance=node_figures(steps),
    )


def _newest(events: Sequence[Event], kinds: tuple[str, ...], key: str) -> str:
    """The text `key` of the newest event of one of the kinds."""
    return next((word(e.data, key) for e in reversed(events) if e.kind in kinds), "")


def run_dict(report: RunReport) -> dict[str, Any]:
    """The report as JSON values, `schema` first; with what the dataclasses compute."""
    data = asdict(report)
    for stage, told in zip(data["stages"], report.stages, strict=True):
        stage |= {"status": told.status, "done": told.done, "seconds": told.seconds}
    for node, seen_there in zip(data["performance"], report.performance, strict=True):
        for figure, shown in zip(node["figures"], seen_there.figures, strict=True):
            figure |= {"change": shown.change, "change_percent": shown.change_percent}
    if report.probe is not None:
        for target, seen in zip(data["probe"]["targets"], report.probe.targets, strict=True):
            target["stats"]["passed"] = seen.stats.passed
    return {"schema": data.pop("schema"), **data}


def _current(state: RunState, events: Sequence[Event]) -> str:
    """The step that was begun last and is not over."""
    running = {name for name, step in state.steps.items() if step.status in ("running", "held")}
    return next((e.step for e in reversed(events) if e.kind == "step-started" and e.step in running), "")


def _probe_of(events: Sequence[Event]) -> ProbeResult | None:
    """The result in the newest `probe` event; None where none is, or where it is of another form."""
    for event in reversed(events):
        if event.kind == "probe":
            try:
                return result_from(event.data.get("summary"), where="the journal")
            except Refused:
                # Told as not proven: a report is written of what there is.
                return None
    return None
