"""Passed, failed, inconclusive: nothing that was not seen passes."""

from __future__ import annotations

import pytest
from probe_samples import stats

from replank.probe.judge import Limits, TargetResult, judge_all, judge_target

LIMITS = Limits()


@pytest.mark.parametrize(
    ("marks", "outcome"),
    [
        ("." * 1000, "passed"),
        ("." * 990 + "?" * 10, "passed"),  # exactly 1 % and exactly 1 s are still allowed
        ("." * 980 + ("?." * 10), "passed"),
        ("." * 978 + ("?." * 11), "inconclusive"),  # 1.1 %
        ("." * 5000 + "?" * 11 + ".", "inconclusive"),  # a gap of 1.1 s, though far below 1 %
        ("." * 999 + "F", "failed"),
        ("?" * 500 + "F" + "?" * 500, "failed"),  # what was seen to fail did fail
        ("", "inconclusive"),
        ("?", "inconclusive"),
    ],
)
def test_verdict_of_one_target(marks: str, outcome: str) -> None:
    found, why = judge_target(stats(marks), None, LIMITS)
    assert found == outcome, why
    assert why


def test_a_failure_is_excused_only_by_a_baseline_that_was_as_bad() -> None:
    run = stats("." * 500 + "F" + "." * 500)
    assert judge_target(run, stats("." * 1000), LIMITS)[0] == "failed"
    assert judge_target(run, stats("." * 500 + "F" + "." * 500), LIMITS)[0] == "inconclusive"
    # As often, but longer; and as long, but more often.
    longer = stats("." * 500 + "FF" + "." * 500)
    assert judge_target(longer, stats(("." * 250 + "F" + ".") * 4), LIMITS)[0] == "failed"
    oftener = stats(("." * 100 + "F") * 10 + ".")
    assert judge_target(oftener, stats("." * 500 + "F" + "." * 500), LIMITS)[0] == "failed"


def test_a_bad_baseline_never_makes_a_clean_run_worse() -> None:
    assert judge_target(stats("." * 100), stats("F" * 100), LIMITS)[0] == "passed"


def result(name: str, outcome: str) -> TargetResult:
    return TargetResult(
        name=name,
        kind="tcp",
        address="x:1",
        timeout_s=1.0,
        outcome=outcome,  # type: ignore[arg-type]
        why="",
        stats=stats("."),
    )


@pytest.mark.parametrize(
    ("outcomes", "complete", "expected"),
    [
        (("passed", "passed"), True, "passed"),
        (("passed", "inconclusive"), True, "inconclusive"),
        (("failed", "inconclusive"), True, "failed"),
        (("passed",), False, "inconclusive"),
        (("failed",), False, "failed"),
        ((), True, "inconclusive"),
    ],
)
def test_all_together_are_as_bad_as_the_worst(
    outcomes: tuple[str, ...], complete: bool, expected: str
) -> None:
    targets = tuple(result(f"t{i}", outcome) for i, outcome in enumerate(outcomes))
    assert judge_all(targets, started_at=0, interval_s=0.1, complete=complete).outcome == expected
