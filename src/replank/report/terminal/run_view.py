"""How a run stands, for `replank status RUN`: the verdict, what goes on now, a row a stage."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from replank.report.migration_words import IS
from replank.report.run.model import Hold, RunReport, StageReport
from replank.report.terminal.layout import bullets, labelled, say, section, table
from replank.report.terminal.performance_view import performance_view
from replank.report.terminal.probe_view import probe_parts
from replank.report.time_words import lasting, moment

_TONES: Final = {"good": "bold green", "wait": "bold yellow", "bad": "bold red"}
_STATUS: Final = {
    "done": "green",
    "undone": "cyan",
    "pending": "dim",
    "refused": "bold red",
    "passed": "green",
    "failed": "bold red",
}
_BAR: Final = 12


def run_view(report: RunReport) -> RenderableType:
    """The run as it stands at `report.at`."""
    return Group(
        _top(report),
        _now(report),
        section("Stages", _stages(report)),
        _approvals(report),
        _probes(report),
        _nodes(report),
        performance_view(report.performance),
        section("Not proven", *([bullets(report.unproven)] if report.unproven else [])),
        section("Next", bullets(report.headline.next)),
    )


def _top(report: RunReport) -> Group:
    h = report.headline
    begun = f", begun {moment(report.started_at)}" if report.started_at is not None else ""
    by = f", by {report.holder}" if report.holder else ""
    return Group(
        say(f"{report.cluster}: {IS[report.migration]}", "bold"),
        say(f"run {report.run_id}{begun}{by}", "dim"),
        Text(""),
        Text.assemble((f"{say(h.says).plain.upper()}. ", _TONES[h.tone]), say(h.because).plain),
    )


def _now(report: RunReport) -> Group:
    if not report.current_step:
        return Group()
    step = next((s for s in report.steps if s.id == report.current_step), None)
    rows = [("step", report.current_step)]
    if step is not None:
        rows.append(("does", step.says if report.direction == "apply" else step.undo or step.says))
        if step.started_at is not None and report.direction == "apply":
            rows.append(("for", lasting(report.at - step.started_at)))
    if report.current_hold is not None:
        rows += _hold(report.current_hold, report.at)
    return section("Now", labelled(rows))


def _hold(hold: Hold, at: float) -> list[tuple[str, str]]:
    rows = [("on hold", f"{hold.code} {hold.what}: {hold.why}"), ("since", f"{lasting(at - hold.at)}")]
    if hold.deadline is not None:
        left = hold.deadline - at
        words = f"in {lasting(left)}" if left > 0 else "now"
        rows.append(("gives up", f"{words}, at {moment(hold.deadline)}"))
    if hold.todo:
        rows.append(("do", hold.todo))
    return rows


def _stages(report: RunReport) -> Table:
    return table(
        ("Stage", "Progress", "Status", "Took", "On hold"),
        [_row(stage, report.at) for stage in report.stages],
    )


def _row(stage: StageReport, at: float) -> tuple[str | Text, ...]:
    total = len(stage.steps)
    full = round(_BAR * stage.done / total) if total else 0
    bar = "#" * full + "." * (_BAR - full)
    took = stage.seconds
    if took is None and stage.started_at is not None and stage.status in ("running", "held"):
        took = at - stage.started_at
    return (
        stage.title,
        f"{bar} {stage.done}/{total}",
        say(stage.status, _STATUS.get(stage.status, "yellow")),
        lasting(took) if took is not None else "",
        lasting(stage.held_s) if stage.held_s else "",
    )


def _nodes(report: RunReport) -> Group:
    rows = [
        (
            node.node,
            f"{node.runtime} -> {node.to}",
            say(node.status, _STATUS.get(node.status, "yellow")),
            "?" if node.window_s is None else f"{node.window_s:.1f} s",
            node.pods,
        )
        for node in report.nodes
    ]
    heads = ("Node", "Runtime", "Status", "Window", "Pods")
    return section("Nodes", *([table(heads, rows)] if rows else []))


def _approvals(report: RunReport) -> Group:
    open_ = [a for a in report.approvals if a.at is None]
    return section(
        "Approvals asked for",
        *([bullets(f"{a.word}: {a.why} (step {a.step})" for a in open_)] if open_ else []),
    )


def _probes(report: RunReport) -> RenderableType:
    return section("Probes", *probe_parts(report.probe)) if report.probe is not None else Group()
