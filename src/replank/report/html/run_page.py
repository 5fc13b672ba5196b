"""The report of a run as one page, in the style of the plan's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.probe.judge import TargetResult
from replank.report.html.environment import environment
from replank.report.html.timeline import timeline
from replank.report.migration_words import IS, UNDO_UNTIL
from replank.report.performance_words import change_words, figure_of, heads_of, how_of, value_words
from replank.report.run.model import RunReport, StageReport, StepReport

_TONES: Final[Mapping[str, str]] = {"good": "ready", "wait": "waiting", "bad": "not-ready"}
_STATUS: Final[Mapping[str, str]] = {
    "done": "calm",
    "undone": "note",
    "pending": "note",
    "refused": "blocker",
    "not-undone": "blocker",
    "passed": "calm",
    "failed": "blocker",
    "pass": "calm",
    "fail": "blocker",
}
"""How a status is marked; what stands not here is something to watch."""


def render_run(report: RunReport) -> str:
    """The whole report as one HTML page. The same report gives the same page.

    Nothing is loaded from elsewhere and no script runs; every text is escaped.
    """
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            r=report,
            h=report.headline,
            tone=_TONES[report.headline.tone],
            mark=lambda status: _STATUS.get(status, "risk"),
            line=timeline(report),
            numbers=_numbers(report),
            receipts=sum(len(did.receipts) for step in report.steps for did in step.did),
            longest=max((t.stats.longest_interruption_s for t in _targets(report)), default=0.0),
            open=_open,
            migration=IS[report.migration],
            undo_until=UNDO_UNTIL[report.migration],
            measured=heads_of(report.performance),
            how_measured=how_of(report.performance),
            figure_of=figure_of,
            value_words=value_words,
            change_words=change_words,
        )
    )


def _targets(report: RunReport) -> tuple[TargetResult, ...]:
    return report.probe.targets if report.probe is not None else ()


def _numbers(report: RunReport) -> dict[str, int]:
    # What is carried out on request only, and nobody has asked for, is not missing.
    later = [stage for stage in report.stages if stage.on_request and stage.status == "pending"]
    unasked = {step.id for stage in later for step in stage.steps}
    steps = [step for step in report.steps if step.id not in unasked]
    gates = [gate for step in steps for gate in step.gates]
    servers = [i for i in report.identities if i.kind == "server"]
    ports = [i for i in report.identities if i.kind == "port"]
    return {
        "steps": len(steps),
        "done": sum(stage.done for stage in report.stages),
        "undone": sum(1 for step in report.steps if step.status == "undone"),
        "gates": len(gates),
        "passed": sum(1 for gate in gates if gate.outcome == "pass"),
        "servers": len(servers),
        "same_servers": sum(1 for i in servers if i.same),
        "ports": len(ports),
        "same_ports": sum(1 for i in ports if i.same),
    }


def _open(step: StepReport, stage: StageReport) -> bool:
    """Whether a reader must see the step without asking for it."""
    return step.status in ("refused", "held", "not-undone") or (
        stage.status == "refused" and step.attempts > 1
    )
