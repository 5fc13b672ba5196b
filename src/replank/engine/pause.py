"""Somebody wants the run to end where it may end safely."""

from __future__ import annotations


class Paused(Exception):
    """Raised between steps, and while a step only waits. `why`: for the journal."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
