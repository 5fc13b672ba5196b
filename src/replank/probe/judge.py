"""Was there no downtime? Passed, failed, or inconclusive: what could not be seen never passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.probe.series import Stats

SCHEMA: Final = "replank.probe/v1"

Outcome = Literal["passed", "failed", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """More Unknown samples than `unknown_share`, or an Unknown gap longer than `unknown_gap_s`, and nobody
    can tell whether there was downtime."""

    unknown_share: float = 0.01
    unknown_gap_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetResult:
    """One target. `baseline` None: none was measured before."""

    name: str
    kind: str
    address: str
    timeout_s: float
    outcome: Outcome
    why: str
    stats: Stats
    baseline: Stats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """All targets. `complete`: False where the sampler was ended before it could say so."""

    outcome: Outcome
    why: str
    started_at: float
    interval_s: float
    complete: bool
    targets: tuple[TargetResult, ...]
    schema: str = SCHEMA


def judge_target(stats: Stats, baseline: Stats | None, limits: Limits) -> tuple[Outcome, str]:
    """The verdict on one target, and why.

    Failed samples count as inconclusive only where the baseline was at least as bad in number and length:
    then the target was not sound before either.
    """
    if stats.failed:
        failed = f"{stats.failed} of {stats.samples} samples failed"
        if baseline is not None and _as_bad(baseline, stats):
            return "inconclusive", f"{failed}, but no more than before ({_share(baseline)} of the baseline)"
        return "failed", f"{failed}, the longest interruption lasted {stats.longest_interruption_s:.1f} s"
    return _seen_enough(stats, limits)


def _seen_enough(stats: Stats, limits: Limits) -> tuple[Outcome, str]:
    if not stats.samples:
        return "inconclusive", "there is no sample"
    if stats.unknown > limits.unknown_share * stats.samples:
        share = f"{stats.unknown / stats.samples:.1%}"
        return "inconclusive", f"{share} of the samples are Unknown, more than {limits.unknown_share:.0%}"
    # Half a microsecond: gaps are multiples of the interval, and floating point is not.
    if stats.longest_unknown_s > limits.unknown_gap_s + 5e-7:
        gap = f"{stats.longest_unknown_s:.1f} s"
        return "inconclusive", f"nobody could look for {gap}, longer than {limits.unknown_gap_s:g} s"
    words = f"{stats.passed} samples passed, none failed"
    return "passed", f"{words}, {stats.unknown} are Unknown" if stats.unknown else words


def judge_all(
    targets: tuple[TargetResult, ...], *, started_at: float, interval_s: float, complete: bool
) -> ProbeResult:
    """The verdict on all: as bad as the worst target."""
    outcome, why = _overall(targets, complete)
    return ProbeResult(
        outcome=outcome,
        why=why,
        started_at=started_at,
        interval_s=interval_s,
        complete=complete,
        targets=targets,
    )


def _overall(targets: tuple[TargetResult, ...], complete: bool) -> tuple[Outcome, str]:
    if not targets:
        return "inconclusive", "no target was named"
    failed = [t.name for t in targets if t.outcome == "failed"]
    if failed:
        return "failed", f"not every sample passed of {', '.join(failed)}"
    if not complete:
        return "inconclusive", "the sampler was ended before it was told to stop"
    unsure = [t.name for t in targets if t.outcome == "inconclusive"]
    if unsure:
        return "inconclusive", f"not enough could be seen of {', '.join(unsure)}"
    return "passed", "every target answered all the time"


def _as_bad(baseline: Stats, stats: Stats) -> bool:
    if not baseline.failed:
        return False
    rarer = stats.failed * baseline.samples <= baseline.failed * stats.samples
    return rarer and stats.longest_interruption_s <= baseline.longest_interruption_s


def _share(stats: Stats) -> str:
    return f"{stats.failed} of {stats.samples}"
