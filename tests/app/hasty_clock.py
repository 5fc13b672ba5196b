"""Time for runs against a twin whose controllers answer at once."""

from __future__ import annotations

from replank.engine.clock import SystemClock

_ENOUGH_S = 0.3
"""Longer than the twin's controllers take to look (`replank.testbed.controlled`)."""
_RHYTHM_S = 5.0
"""From here on it is no wait for somebody, but how often something is done: the lease is renewed."""


class HastyClock(SystemClock):
    """Real time, but whoever waits for the controllers waits only as long as they need."""

    async def sleep(self, seconds: float) -> None:
        """Seconds; less where it is a wait."""
        await super().sleep(seconds if seconds > _RHYTHM_S else min(seconds, _ENOUGH_S))
