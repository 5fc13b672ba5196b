"""A number that must grow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from replank.probe.growth import Growth, number_in


def test_standing_still_is_told_after_the_period_and_not_before() -> None:
    growth = Growth(period_s=1.0)
    said = [growth.take(7, asked_at=t / 10, answered_at=t / 10 + 0.01) for t in range(14)]
    assert said[:11] == [""] * 11
    assert said[11:] == ["stands still at 7 for longer than 1 s"] * 3
    assert growth.take(8, asked_at=1.4, answered_at=1.41) == ""


def test_going_back_is_told_once_and_then_it_counts_from_there() -> None:
    growth = Growth(period_s=1.0)
    assert growth.take(42, asked_at=0.0, answered_at=0.01) == ""
    assert growth.take(0, asked_at=0.1, answered_at=0.11) == "went back from 42 to 0"
    assert growth.take(1, asked_at=0.2, answered_at=0.21) == ""


def test_an_older_answer_that_overtakes_is_no_step_back() -> None:
    growth = Growth(period_s=1.0)
    assert growth.take(43, asked_at=0.2, answered_at=0.25) == ""
    # Asked before 43 was answered: it may have been read before it was written.
    assert growth.take(42, asked_at=0.1, answered_at=0.30) == ""


def test_after_an_outage_the_same_number_has_stood_still() -> None:
    growth = Growth(period_s=1.0)
    assert growth.take(5, asked_at=0.0, answered_at=0.01) == ""
    assert "stands still" in growth.take(5, asked_at=3.0, answered_at=3.01)


@given(st.lists(st.tuples(st.floats(0, 0.09), st.floats(0, 0.09)), min_size=1, max_size=60))
def test_a_writer_in_time_never_fails_whatever_the_answers_take(jitter: list[tuple[float, float]]) -> None:
    # The writer writes each 0.9 s; the number is read somewhere between question and answer.
    growth = Growth(period_s=1.0)
    for tick, (wait, more) in enumerate(jitter):
        asked = tick * 0.1
        read = asked + wait
        assert growth.take(int(read / 0.9), asked_at=asked, answered_at=read + more) == ""


def test_only_a_number_is_one() -> None:
    assert number_in(b" 17\n") == 17
    assert [number_in(b) for b in (b"", b"17x", b"-1", b"1.5", b"1" * 40)] == [None] * 5
