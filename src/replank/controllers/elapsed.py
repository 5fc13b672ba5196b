"""How long something is ago, by clocks that can be trusted in one direction each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from replank.ports.access import Clock


@dataclass(frozen=True, slots=True)
class Moment:
    """`wall`: seconds since 1970. `steady`: seconds of a clock that nobody sets."""

    wall: float
    steady: float


class Stopwatch:
    """The wall clock can be set, forth and back; a steady one stands still while the machine is suspended.

    So whoever must stop in time counts what either says, and whoever must wait long enough counts the steady
    one alone, which never says too much. `steady`: tests have their own.
    """

    def __init__(self, clock: Clock, steady: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steady = steady

    def now(self) -> Moment:
        """To be compared later."""
        return Moment(self._clock.now(), self._steady())

    def at_most(self, since: Moment) -> float:
        """Seconds: not more than these have gone by."""
        return max(self._clock.now() - since.wall, self._steady() - since.steady)

    def at_least(self, since: Moment) -> float:
        """Seconds: these have gone by for certain."""
        return self._steady() - since.steady
