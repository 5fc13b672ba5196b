"""Builders of samples for the pure tests."""

from __future__ import annotations

from replank.probe.record import Head, Marks, end_line, head_line, marks_line, reason_line
from replank.probe.sample import Sample, Ticks
from replank.probe.series import Stats, Tally

TICKS = Ticks(started_at=1_000_000.0, interval_s=0.1)
REASONS = {".": "", "F": "connection refused", "?": "late"}


def samples(marks: str, first: int = 0) -> list[Sample]:
    return [
        Sample(index=i, mark=mark, took_s=0.01 if mark == "." else 0.0, reason=REASONS[mark])  # type: ignore[arg-type]
        for i, mark in enumerate(marks, first)
    ]


def stats(marks: str, first: int = 0) -> Stats:
    tally = Tally(ticks=TICKS, first=first)
    for sample in samples(marks, first):
        tally.take(sample)
    return tally.stats()


def head(*names: str, baseline: bool = False) -> Head:
    targets = tuple((name, "tcp", f"{name}:1", 1.0) for name in names or ("api",))
    return Head(started_at=1_000_000.0, interval_s=0.1, baseline=baseline, targets=targets)


def lines(marks: str, *, target: str = "api", end: bool = True) -> list[str]:
    """A record of one target, its marks in lines of ten."""
    found = [head_line(head(target))]
    for start in range(0, len(marks), 10):
        block = Marks(first=start)
        for sample in samples(marks[start : start + 10], start):
            block.add(sample)
            if sample.mark != ".":
                found.append(reason_line(target, sample))
        found.append(marks_line(target, block))
    return [*found, end_line()] if end else found
