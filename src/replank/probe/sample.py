"""One question to one target, and when it was due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Mark = Literal[".", "F", "?"]
"""How a sample is written down: it passed, failed, or is Unknown (nobody could look)."""

PASS: Final[Mark] = "."  # noqa: S105
FAIL: Final[Mark] = "F"
UNKNOWN: Final[Mark] = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`index`: the tick that it belongs to, 0 = the first. `took_s`: seconds from the question to the answer,
    0 where nothing was asked. `reason`: "" for a pass."""

    index: int
    mark: Mark
    took_s: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """When tick n is due: `started_at` + n × `interval_s`, in seconds since 1970."""

    started_at: float
    interval_s: float

    def at(self, index: int) -> float:
        """When tick `index` is due."""
        return self.started_at + index * self.interval_s
