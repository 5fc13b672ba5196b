"""Samples as JSON lines, written while they are taken, and the result read from them again.

Lines: a head; then for each target and about every second its marks (`.F?`, one a sample, in order) with the
sum and the maximum of the times of its answers; each sample that did not pass once more with its reason, as
soon as it is known; `run_from` where the baseline ends; `end`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from replank.domain.errors import Refused
from replank.probe.judge import SCHEMA, Limits, ProbeResult, TargetResult, judge_all, judge_target
from replank.probe.sample import FAIL, PASS, UNKNOWN, Mark, Sample, Ticks
from replank.probe.series import Tally

LOST: Final = "the sampler was ended before it wrote this one down"


@with_config(ConfigDict(extra="forbid", strict=True))
@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The first line. `targets`: (name, kind, address, timeout in seconds). `baseline`: whether one is
    measured before the run."""

    started_at: float
    interval_s: float
    baseline: bool
    targets: tuple[tuple[str, str, str, float], ...]
    probe: str = SCHEMA


@dataclass(slots=True)
class Marks:
    """Samples of one target in a row, from tick `first`."""

    first: int
    marks: str = ""
    total_s: float = 0.0
    slowest_s: float = 0.0

    def add(self, sample: Sample) -> None:
        """The next one."""
        self.marks += sample.mark
        if sample.mark == PASS:
            self.total_s += sample.took_s
            self.slowest_s = max(self.slowest_s, sample.took_s)


def head_line(head: Head) -> str:
    """The first line."""
    return _line(asdict(head))


def marks_line(target: str, marks: Marks) -> str:
    """Samples in a row."""
    numbers = [round(marks.total_s, 6), round(marks.slowest_s, 6)]
    return _line({"target": target, "from": marks.first, "marks": marks.marks, "took_s": numbers})


def reason_line(target: str, sample: Sample) -> str:
    """A sample that did not pass."""
    return _line({"target": target, "index": sample.index, "mark": sample.mark, "reason": sample.reason})


def run_line(index: int) -> str:
    """From this tick on it is the run, before it was the baseline."""
    return _line({"run_from": index})


def end_line() -> str:
    """The sampler stopped as it was told to."""
    return _line({"end": True})


def result_of(lines: Iterable[str], *, where: str, limits: Limits | None = None) -> ProbeResult:
    """The result that the lines tell, also where the sampler was killed in the middle of one.

    Raises `Refused` RP980 where they are no record of a probe.
    """
    parsed = _parsed(lines, where)
    head = _head(next(parsed, None), where)
    reader = _Reader(head)
    try:
        for line in parsed:
            reader.take(line)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged("a line does not belong where it stands", where) from error
    return reader.result(limits or Limits())


def result_dict(result: ProbeResult) -> dict[str, Any]:
    """The result as JSON values."""
    data = _RESULT.dump_python(result, mode="json")
    assert isinstance(data, dict)
    return data


def result_from(data: object, *, where: str) -> ProbeResult:
    """The result out of JSON values. Raises `Refused` RP980."""
    try:
        return _RESULT.validate_json(json.dumps(data))
    except (ValidationError, ValueError) as error:
        raise _damaged("it does not have the form of a result", where) from error


_RESULT: Final = TypeAdapter(ProbeResult)
_HEAD: Final = TypeAdapter(Head)


@dataclass(slots=True)
class _Reader:
    head: Head
    run_from: int | None = None
    ended: bool = False
    reasons: dict[str, dict[int, Sample]] = field(default_factory=dict)
    baseline: dict[str, Tally] = field(default_factory=dict)
    run: dict[str, Tally] = field(default_factory=dict)
    following: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.head.baseline:
            self.run_from = 0

    def take(self, line: dict[str, Any]) -> None:
        if "run_from" in line:
            self.run_from = line["run_from"]
        elif "end" in line:
            self.ended = True
        elif "marks" in line:
            self._marks(line["target"], line["from"], line["marks"], line["took_s"])
        else:
            sample = Sample(index=line["index"], mark=_mark(line["mark"]), reason=line["reason"])
            self.reasons.setdefault(line["target"], {})[sample.index] = sample

    def result(self, limits: Limits) -> ProbeResult:
        for target in list(self.reasons):
            self._lost(target)
        targets = []
        for name, kind, address, timeout_s in self.head.targets:
            stats = self._tally(self.run, name, self.run_from or 0).stats()
            baseline = self.baseline[name].stats() if name in self.baseline else None
            outcome, why = judge_target(stats, baseline, limits)
            targets.append(
                TargetResult(
                    name=name,
                    kind=kind,
                    address=address,
                    timeout_s=timeout_s,
                    outcome=outcome,
                    why=why,
                    stats=stats,
                    baseline=baseline,
                )
            )
        return judge_all(
            tuple(targets),
            started_at=self.head.started_at,
            interval_s=self.head.interval_s,
            complete=self.ended,
        )

    def _marks(self, target: str, first: int, marks: str, took_s: list[float]) -> None:
        known = self.reasons.get(target, {})
        tally = None
        for index, text in enumerate(marks, first):
            sample = known.pop(index, None) or Sample(index=index, mark=_mark(text))
            tally = self._sample(target, sample)
        if tally is not None:
            tally.answered(total_s=took_s[0], slowest_s=took_s[1])

    def _sample(self, target: str, sample: Sample) -> Tally:
        if self.run_from is not None and sample.index >= self.run_from:
            tally = self._tally(self.run, target, self.run_from)
        else:
            tally = self._tally(self.baseline, target, 0)
        tally.take(sample)
        self.following[target] = sample.index + 1
        return tally

    def _tally(self, tallies: dict[str, Tally], target: str, first: int) -> Tally:
        ticks = Ticks(started_at=self.head.started_at, interval_s=self.head.interval_s)
        return tallies.setdefault(target, Tally(ticks=ticks, first=first))

    def _lost(self, target: str) -> None:
        """Failures that were written down, but their marks were not any more."""
        known = self.reasons[target]
        following = self.following.get(target, 0)
        for index in range(following, max(known, default=-1) + 1):
            self._sample(target, known.get(index) or Sample(index=index, mark=UNKNOWN, reason=LOST))


def _mark(text: str) -> Mark:
    for mark in (PASS, FAIL, UNKNOWN):
        if text == mark:
            return mark
    raise ValueError(text)


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


def _parsed(lines: Iterable[str], where: str) -> Iterator[dict[str, Any]]:
    """Every line but one at the end that a kill has cut off."""
    for line in lines:
        if not line.endswith("\n"):
            return
        try:
            value = json.loads(line)
        except ValueError as error:
            raise _damaged("a line is no JSON", where) from error
        if not isinstance(value, dict):
            raise _damaged("a line is no JSON object", where)
        yield value


def _head(value: dict[str, Any] | None, where: str) -> Head:
    try:
        head = _HEAD.validate_json(json.dumps(value))
    except (ValidationError, ValueError) as error:
        raise _damaged("its first line is no head of a record", where) from error
    if head.probe != SCHEMA:
        raise _damaged(f"it has schema {head.probe!r}, this replank reads {SCHEMA!r}", where)
    return head


def _damaged(why: str, where: str) -> Refused:
    return Refused(
        "RP980",
        "The probes' record cannot be read",
        why,
        "Name the file that `replank probe` or `apply --probe` wrote; a damaged one proves nothing: probe "
        "again.",
        where=where,
    )
