"""A sampler that wakes late says so."""

from __future__ import annotations

import pytest

from replank.probe.schedule import wake


@pytest.mark.parametrize(
    ("elapsed", "following", "missed", "due"),
    [
        (0.0, 0, [], 0),
        (0.29999999999999, 3, [], 3),  # floating point, not earliness
        (0.25, 3, [], None),  # woken too early
        (0.34, 3, [], 3),  # 40 ms late: still this tick
        (0.36, 3, [3], None),  # 60 ms late: nobody knows what was at its time
        (0.52, 3, [3, 4], 5),
        (5.0, 3, list(range(3, 50)), 50),
    ],
)
def test_what_is_due_and_what_is_missed(
    elapsed: float, following: int, missed: list[int], due: int | None
) -> None:
    woken = wake(elapsed, following, interval_s=0.1, late_s=0.05)
    assert (list(woken.missed), woken.due) == (missed, due)


def test_no_tick_is_left_out_and_none_comes_twice() -> None:
    following, seen = 0, []
    for elapsed in (0.0, 0.1, 0.27, 0.3, 0.31, 1.9, 1.96, 2.0, 7.77, 7.8):
        woken = wake(elapsed, following, interval_s=0.1, late_s=0.05)
        ticks = [*woken.missed, *([] if woken.due is None else [woken.due])]
        seen += ticks
        following = max([following, *(t + 1 for t in ticks)])
    assert seen == list(range(79))
