"""The samples of one target, folded: numbers and interruptions are kept, samples are not.

Memory does not grow with time: of a target that fails again and again, the first `KEPT` interruptions are
kept and the others counted; the longest is always known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from replank.probe.sample import FAIL, PASS, UNKNOWN, Sample, Ticks

KEPT: Final = 200
REASONS_KEPT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """Failed samples in a row, Unknown ones between them included.

    `after_at`: the last answer before it, `until_at`: the first answer after it, so it lasted at most
    `longest_s`. `open`: no answer came any more. `reasons`: the first few that differ.
    """

    after_at: float
    until_at: float
    failed: int
    unknown: int
    reasons: tuple[str, ...]
    open: bool = False

    @property
    def longest_s(self) -> float:
        """Seconds that it lasted at most."""
        return self.until_at - self.after_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a target did from `from_at` to `to_at` (seconds since 1970).

    `longest_interruption_s`: at most, from answer to answer. `longest_unknown_s`: Unknown samples in a row.
    `mean_s`, `slowest_s`: of the answers that passed. `unknown_reasons`: the first few that differ.
    `left_out`: interruptions beyond those kept.
    """

    from_at: float
    to_at: float
    samples: int = 0
    failed: int = 0
    unknown: int = 0
    longest_interruption_s: float = 0.0
    longest_unknown_s: float = 0.0
    mean_s: float = 0.0
    slowest_s: float = 0.0
    unknown_reasons: tuple[str, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    left_out: int = 0

    @property
    def passed(self) -> int:
        """Samples that passed."""
        return self.samples - self.failed - self.unknown


@dataclass(slots=True)
class _Run:
    """Samples in a row that did not pass. `after`: index of the last pass before it, or of its first."""

    after: int
    failed: int = 0
    unknown: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Takes a target's samples in the order of their index."""

    ticks: Ticks
    first: int = 0
    samples: int = 0
    failed: int = 0
    unknown: int = 0
    _run: _Run | None = None
    _last: int = -1
    _unknown_in_a_row: int = 0
    _longest_unknown: int = 0
    _longest_s: float = 0.0
    _answered_s: float = 0.0
    _slowest_s: float = 0.0
    _unknown_reasons: list[str] = field(default_factory=list)
    _kept: list[Interruption] = field(default_factory=list)
    _left_out: int = 0

    def take(self, sample: Sample) -> None:
        """The next sample. Raises ValueError where one is missing before it: that would hide a gap."""
        expected = self.first if not self.samples else self._last + 1
        if sample.index != expected:
            raise ValueError(f"sample {sample.index} where {expected} comes next")
        self.samples += 1
        if sample.mark == PASS:
            self._answer(sample)
        else:
            self._trouble(sample)
        self._last = sample.index

    def answered(self, *, total_s: float, slowest_s: float) -> None:
        """Adds the times of answers that were written down as a sum."""
        self._answered_s += total_s
        self._slowest_s = max(self._slowest_s, slowest_s)

    def stats(self) -> Stats:
        """All samples so far. An interruption that goes on is counted up to the last sample."""
        kept, left_out, longest = list(self._kept), self._left_out, self._longest_s
        if self._run is not None and self._run.failed:
            last = self._interruption(self._run, self._last + 1, still=True)
            longest = max(longest, last.longest_s)
            if len(kept) < KEPT:
                kept.append(last)
            else:
                left_out += 1
        passed = self.samples - self.failed - self.unknown
        return Stats(
            from_at=self.ticks.at(self.first),
            to_at=self.ticks.at(self._last + 1 if self.samples else self.first),
            samples=self.samples,
            failed=self.failed,
            unknown=self.unknown,
            longest_interruption_s=longest,
            longest_unknown_s=self._longest_unknown * self.ticks.interval_s,
            mean_s=self._answered_s / passed if passed else 0.0,
            slowest_s=self._slowest_s,
            unknown_reasons=tuple(self._unknown_reasons),
            interruptions=tuple(kept),
            left_out=left_out,
        )

    def _answer(self, sample: Sample) -> None:
        self.answered(total_s=sample.took_s, slowest_s=sample.took_s)
        self._unknown_in_a_row = 0
        if self._run is None:
            return
        if self._run.failed:
            ended = self._interruption(self._run, sample.index)
            self._longest_s = max(self._longest_s, ended.longest_s)
            if len(self._kept) < KEPT:
                self._kept.append(ended)
            else:
                self._left_out += 1
        self._run = None

    def _trouble(self, sample: Sample) -> None:
        if self._run is None:
            self._run = _Run(after=max(self._last, self.first))
        if sample.mark == UNKNOWN:
            self.unknown += 1
            self._run.unknown += 1
            self._unknown_in_a_row += 1
            self._longest_unknown = max(self._longest_unknown, self._unknown_in_a_row)
            _keep(self._unknown_reasons, sample.reason)
        if sample.mark == FAIL:
            self.failed += 1
            self._run.failed += 1
            self._unknown_in_a_row = 0
            _keep(self._run.reasons, sample.reason)

    def _interruption(self, run: _Run, until: int, *, still: bool = False) -> Interruption:
        return Interruption(
            after_at=self.ticks.at(run.after),
            until_at=self.ticks.at(until),
            failed=run.failed,
            unknown=run.unknown,
            reasons=tuple(run.reasons),
            open=still,
        )


def _keep(reasons: list[str], reason: str) -> None:
    if reason not in reasons and len(reasons) < REASONS_KEPT:
        reasons.append(reason)
