"""Death by SIGKILL, written down first, so that whoever goes on dies elsewhere."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from replank.journal.event import Direction, Event
from replank.testbed.crash.points import after, before, is_write_of_a_step, point, write_word


@dataclass(slots=True)
class Death:
    """`only`: the point to die at, "" = every one that is not in `died`. `died`: a file, one point a line."""

    only: str = ""
    died: Path | None = None
    _step: str = ""
    _direction: Direction = "apply"
    _writes: Counter[str] = field(default_factory=Counter)
    _receipts: set[str] = field(default_factory=set)

    def before(self, event: Event) -> None:
        """An event is about to be written down."""
        if event.kind == "step-started":
            self._reached(before(event))
            self._step, self._direction = event.step, event.direction

    def after(self, event: Event) -> None:
        """It is on disk."""
        if event.kind == "step-done":
            self._step = ""
        self._reached(after(event))

    def write(self, receipt: str) -> None:
        """A write took effect, and nothing here knows it yet. Called from any thread, often twice for one."""
        if not self._step or receipt in self._receipts or not is_write_of_a_step(receipt):
            return
        self._receipts.add(receipt)
        word = write_word(receipt, 1)
        self._writes[f"{self._step} {word}"] += 1
        number = self._writes[f"{self._step} {word}"]
        self._reached(point(self._direction, self._step, write_word(receipt, number)))

    def _reached(self, here: str) -> None:
        if not here or (self.only and here != self.only):
            return
        if self.died is not None:
            if here in points_in(self.died):
                return
            with self.died.open("a", encoding="utf-8") as file:
                file.write(f"{here}\n")
                file.flush()
                os.fsync(file.fileno())
        os.kill(os.getpid(), signal.SIGKILL)


def points_in(died: Path) -> list[str]:
    """Points that were died at, in order. No file, no points."""
    return died.read_text(encoding="utf-8").splitlines() if died.exists() else []
