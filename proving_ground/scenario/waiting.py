"""Waiting for the world: until a question answers "", or a deadline with what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable

from proving_ground.errors import GroundError


def until(what: str, ask: Callable[[], str], limit_s: float, every_s: float = 1.0) -> float:
    """Asks until "" comes back. Returns the seconds it took.

    Raises `GroundError` with the last answer after `limit_s`.
    """
    began = time.monotonic()
    while True:
        seen = ask()
        took = time.monotonic() - began
        if not seen:
            return took
        if took > limit_s:
            raise GroundError(what, f"not after {limit_s:.0f} s: {seen}", "Look at the controllers' logs.")
        time.sleep(every_s)
