"""The run on a time axis: a row a stage, a row a probe. What is too short to see is drawn wide enough to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from replank.report.html.shapes import Label, Line, Rect, Sheet, fitted
from replank.report.run.model import RunReport
from replank.report.time_words import clock, lasting

WIDTH: Final = 860
_LEFT: Final = 190
_ROW: Final = 22
_BAR: Final = 12
_LEAST: Final = 3.0
"""Units that the shortest bar is wide."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """`describes`: its text for those who do not see it. `when`: its name among the page's IDs."""

    title: str
    describes: str
    width: int
    height: float
    sheet: Sheet
    when: str = "timeline"


@dataclass(frozen=True, slots=True)
class _Axis:
    begin: float
    end: float

    def x(self, at: float) -> float:
        share = (min(max(at, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(_LEFT + share * (WIDTH - _LEFT - 10), 1)


def timeline(report: RunReport) -> Timeline | None:
    """None where nothing has happened that has a length."""
    axis = _axis(report)
    if axis is None:
        return None
    sheet = Sheet()
    _scale(sheet, axis)
    y = _stage_rows(sheet, axis, report, 26.0)
    y = _probe_rows(sheet, axis, report, y)
    return Timeline("The run on a time axis", _describe(report), WIDTH, y + 4, sheet)


def _stage_rows(sheet: Sheet, axis: _Axis, report: RunReport, y: float) -> float:
    """A row for each stage that has begun; where the rows end."""
    for stage in report.stages:
        if stage.started_at is None:
            continue
        last = stage.ended_at or max((s.ended_at or s.started_at or 0.0) for s in stage.steps)
        words = f"{stage.title}: {stage.status}, {lasting(last - stage.started_at)}"
        style = f"stage {_style(stage.status)}"
        _row(sheet, y, stage.title, _bar(axis, stage.started_at, last, y, style, words))
        names = {step.id for step in stage.steps}
        for hold in report.holds:
            if hold.step in names:
                until = hold.until if hold.until is not None else report.at
                words = f"on hold for {lasting(until - hold.at)}: {hold.why}"
                sheet.rects.append(_bar(axis, hold.at, until, y, "hold", words))
        y += _ROW
    return y


def _probe_rows(sheet: Sheet, axis: _Axis, report: RunReport, y: float) -> float:
    """A row for each probe with its interruptions; where the rows end."""
    for target in report.probe.targets if report.probe else ():
        stats = target.stats
        words = f"probe {target.name}: {target.outcome}, {target.why}"
        style = "probe" if target.outcome == "passed" else f"probe {target.outcome}"
        _row(sheet, y, f"probe {target.name}", _bar(axis, stats.from_at, stats.to_at, y, style, words))
        for window in stats.interruptions:
            words = f"interrupted for at most {lasting(window.longest_s)}: {'; '.join(window.reasons)}"
            sheet.rects.append(_bar(axis, window.after_at, window.until_at, y, "interrupted", words))
        y += _ROW
    return y


def _axis(report: RunReport) -> _Axis | None:
    if report.started_at is None or report.last_at is None:
        return None
    stats = [target.stats for target in report.probe.targets] if report.probe else []
    begin = min([report.started_at, *(s.from_at for s in stats)])
    end = max([report.last_at, *(s.to_at for s in stats)])
    return _Axis(begin, end) if end > begin else None


def _scale(sheet: Sheet, axis: _Axis) -> None:
    for part in range(5):
        at = axis.begin + (axis.end - axis.begin) * part / 4
        anchor = "start" if part == 0 else "end" if part == 4 else "middle"
        sheet.labels.append(Label(axis.x(at), 12, clock(at), "dim", anchor))
        sheet.lines.append(Line(axis.x(at), 17, axis.x(at), 21))


def _row(sheet: Sheet, y: float, name: str, bar: Rect) -> None:
    sheet.labels.append(Label(0, y + 10, fitted(name, _LEFT - 14)))
    sheet.rects.append(bar)


def _bar(axis: _Axis, begin: float, end: float, y: float, style: str, title: str) -> Rect:
    left = min(axis.x(begin), WIDTH - 10 - _LEAST)
    return Rect(left, y, max(axis.x(end) - left, _LEAST), _BAR, style, title)


def _style(status: str) -> str:
    return {"done": "done", "refused": "refused", "undone": "undone"}.get(status, "open")


def _describe(report: RunReport) -> str:
    words = [
        f"{stage.title} took {lasting(stage.seconds)}" for stage in report.stages if stage.seconds is not None
    ]
    for target in report.probe.targets if report.probe else ():
        words.append(f"probe {target.name} {target.outcome}")
    return "; ".join(words) or "No stage has ended."
