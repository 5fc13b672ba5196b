"""What probes saw: a row a target, then the interruptions."""

from __future__ import annotations

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from replank.probe.judge import ProbeResult
from replank.report.terminal.layout import bullets, say, table
from replank.report.time_words import fine_moment, lasting
from replank.report.words import count

_TONES: Final = {"passed": "green", "failed": "bold red"}
_SHOWN: Final = 5
"""Interruptions of one target; the record and the JSON have them all."""


def probe_view(result: ProbeResult) -> RenderableType:
    """The verdict, then everything that it rests on."""
    verdict = say(result.outcome, _tone(result.outcome))
    return Group(Text.assemble(verdict, ": ", say(result.why)), *probe_parts(result))


def probe_parts(result: ProbeResult) -> tuple[RenderableType, ...]:
    """Table and interruptions."""
    rows = [
        (
            target.name,
            say(target.outcome, _tone(target.outcome)),
            f"{target.stats.samples}",
            f"{target.stats.failed}",
            f"{target.stats.unknown}",
            lasting(target.stats.longest_interruption_s) if target.stats.failed else "none",
        )
        for target in result.targets
    ]
    seen = table(("Probe", "Verdict", "Samples", "Failed", "Unknown", "Longest interruption"), rows)
    windows = [
        f"{target.name} from {fine_moment(w.after_at)} for at most {lasting(w.longest_s)}: "
        f"{count(w.failed, 'failed sample')}, {'; '.join(w.reasons)}"
        for target in result.targets
        for w in target.stats.interruptions[:_SHOWN]
    ]
    return (seen, bullets(windows, mark="!")) if windows else (seen,)


def _tone(outcome: str) -> str:
    return _TONES.get(outcome, "yellow")
