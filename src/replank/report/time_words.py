"""Times as reports write them: always UTC, and durations that a person reads at once."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: float) -> str:
    """`2026-11-26 01:12:03 UTC`. `at`: seconds since 1970."""
    return f"{_utc(at):%Y-%m-%d %H:%M:%S} UTC"


def clock(at: float) -> str:
    """`01:12:03`, UTC."""
    return f"{_utc(at):%H:%M:%S}"


def fine_moment(at: float) -> str:
    """`2026-11-26 01:12:03.4 UTC`, to a tenth of a second."""
    tenths = round(at * 10)
    return f"{_utc(tenths // 10):%Y-%m-%d %H:%M:%S}.{tenths % 10} UTC"


def lasting(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
