"""Which ticks a sampler that has just woken may still ask for, and which it has missed."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """`missed`: ticks that nobody asked in time, as a range. `due`: the tick to ask now, None = too early.
    `late_s`: how late the sampler is for the oldest of them."""

    missed: range
    due: int | None
    late_s: float


def wake(elapsed_s: float, following: int, *, interval_s: float, late_s: float) -> Wake:
    """What to do at `elapsed_s` seconds after tick 0, where `following` is the next tick.

    A tick is missed where more than `late_s` went by since it was due: asked now, its answer would say
    nothing about then.
    """
    newest = math.floor(elapsed_s / interval_s + 1e-9)
    if newest < following:
        return Wake(missed=range(following, following), due=None, late_s=0.0)
    late = elapsed_s - following * interval_s
    on_time = elapsed_s - newest * interval_s <= late_s
    end = newest if on_time else newest + 1
    return Wake(missed=range(following, end), due=newest if on_time else None, late_s=late)
