"""What the samples of a target come to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from probe_samples import TICKS, samples, stats

from replank.probe.sample import Sample
from replank.probe.series import KEPT, Tally


def test_an_interruption_lasts_from_the_last_answer_to_the_first_one_after_it() -> None:
    (one,) = stats("...FFF...").interruptions
    assert one.after_at == pytest.approx(TICKS.at(2))
    assert one.until_at == pytest.approx(TICKS.at(6))
    assert one.longest_s == pytest.approx(0.4)
    assert (one.failed, one.unknown, one.open) == (3, 0, False)
    assert one.reasons == ("connection refused",)


def test_unknown_between_two_failures_is_part_of_the_interruption_and_still_unknown() -> None:
    found = stats("..F?F..")
    assert len(found.interruptions) == 1
    assert found.longest_interruption_s == pytest.approx(0.4)
    assert (found.failed, found.unknown, found.passed) == (2, 1, 4)


def test_unknown_alone_is_a_gap_and_no_interruption() -> None:
    found = stats("..???.?.")
    assert found.interruptions == ()
    assert found.longest_interruption_s == 0.0
    assert found.longest_unknown_s == pytest.approx(0.3)


def test_an_interruption_that_never_ends_is_open_and_counted_to_the_last_sample() -> None:
    found = stats("..FF")
    assert found.interruptions[-1].open
    assert found.longest_interruption_s == pytest.approx(0.3)


def test_a_target_that_never_answered_was_away_all_the_time() -> None:
    found = stats("F" * 50)
    assert found.longest_interruption_s == pytest.approx(5.0)
    assert found.passed == 0


def test_the_longest_is_known_even_beyond_those_that_are_kept() -> None:
    found = stats(".F" * (KEPT + 50) + ".FFFFF.")
    assert len(found.interruptions) == KEPT
    assert found.left_out == 51
    assert found.longest_interruption_s == pytest.approx(0.6)


def test_a_missing_sample_is_an_error_and_not_a_pass() -> None:
    tally = Tally(ticks=TICKS)
    tally.take(Sample(index=0, mark="."))
    with pytest.raises(ValueError, match="sample 2 where 1"):
        tally.take(Sample(index=2, mark="."))


def test_slowest_and_mean_are_of_answers_only() -> None:
    tally = Tally(ticks=TICKS)
    for index, (mark, took) in enumerate([(".", 0.02), ("F", 1.0), (".", 0.04)]):
        tally.take(Sample(index=index, mark=mark, took_s=took, reason="" if mark == "." else "slow"))  # type: ignore[arg-type]
    found = tally.stats()
    assert found.slowest_s == 0.04
    assert found.mean_s == pytest.approx(0.03)


@given(st.text(alphabet=".F?", max_size=400))
def test_counts_and_windows_agree_with_the_marks(marks: str) -> None:
    found = stats(marks)
    assert (found.samples, found.failed, found.unknown) == (len(marks), marks.count("F"), marks.count("?"))
    runs = [run for run in marks.replace(".", " ").split() if "F" in run]
    assert len(found.interruptions) + found.left_out == len(runs)
    longest = max((len(run) for run in marks.replace(".", " ").replace("F", " ").split()), default=0)
    assert found.longest_unknown_s == pytest.approx(longest * 0.1)
    # From answer to answer a window is never shorter than what failed in it.
    assert all(w.longest_s >= (w.failed + w.unknown) * 0.1 - 1e-6 for w in found.interruptions)


@given(st.text(alphabet=".F?", max_size=100), st.integers(0, 99))
def test_what_was_taken_before_does_not_change_when_more_comes(marks: str, cut: int) -> None:
    tally = Tally(ticks=TICKS)
    before = 0.0
    for sample in samples(marks):
        tally.take(sample)
        now = tally.stats()
        assert now.longest_interruption_s >= before - 1e-9
        before = now.longest_interruption_s
