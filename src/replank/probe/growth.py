"""The rule for a target that answers a growing number: it never goes back and never stands still too long.

A number stands for a moment between question and answer, so only what is certain is told: it went back where
the lower one was asked for after the higher one had been answered, and it stood still at least from the
answer that first had it to the last question that was answered with it. What stands still for `period_s` plus
two samples is always seen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Growth:
    """`period_s`: seconds that the number may stand still."""

    period_s: float
    _highest: int | None = None
    _seen_at: float = 0.0

    def take(self, value: int, *, asked_at: float, answered_at: float) -> str:
        """ "" where it is as it should be, else what is wrong. Times are of one clock, in seconds."""
        if self._highest is None or value > self._highest:
            self._highest, self._seen_at = value, answered_at
            return ""
        if value < self._highest:
            if asked_at < self._seen_at:
                # Two questions under way at once: the lower number may be the older one.
                return ""
            was, self._highest, self._seen_at = self._highest, value, answered_at
            return f"went back from {was} to {value}"
        self._seen_at = min(self._seen_at, answered_at)
        still = asked_at - self._seen_at
        if still > self.period_s:
            return f"stands still at {value} for longer than {self.period_s:g} s"
        return ""


def number_in(body: bytes) -> int | None:
    """The number that a body consists of (white space around it is no matter), None where it is none."""
    text = body.strip()
    return int(text) if text.isdigit() and len(text) <= 30 else None
