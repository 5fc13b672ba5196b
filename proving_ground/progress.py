"""Progress of long work on stderr: what runs, since when, how long it usually takes; at the end a table."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

_MENTION_S = 1.0
"""Steps that were quicker and have nothing to say are not worth a line."""


class Progress:
    """Prints a line when a step begins and when it ends. Durations of earlier runs are kept in a file, as the
    estimate for the next. Safe to use from several threads."""

    def __init__(self, memory: Path, console: Console | None = None) -> None:
        self._memory = memory
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._lock = threading.Lock()
        self._usual: dict[str, float] = _read(memory)
        self._began = time.monotonic()
        self.times: dict[str, float] = {}
        """Step -> seconds, in the order of their ends."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times a step. An exception passes through, after a line that says where it happened."""
        usual = self._usual.get(name)
        self._say(f"{name} ..." + (f" (usually {usual:.0f} s)" if usual and usual > _MENTION_S else ""))
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._say(f"{name}: stopped after {time.monotonic() - began:.0f} s")
            raise
        took = time.monotonic() - began
        with self._lock:
            self.times[name] = took
            if took > _MENTION_S:
                self._usual[name] = took
                self._keep()
        self._say(f"{name}: {took:.1f} s")

    def note(self, text: str) -> None:
        """One line that belongs to no step."""
        self._say(text)

    def table(self, memory: dict[str, int]) -> Table:
        """Times of the steps, and memory of the parts in bytes."""
        table = Table("step or part", "seconds", "MiB", title=f"The ground, {self.total_s:.0f} s in all")
        for name, seconds in self.times.items():
            if seconds > _MENTION_S:
                table.add_row(name, f"{seconds:.1f}", "")
        for name, size in memory.items():
            table.add_row(name, "", f"{size / 2**20:.0f}")
        table.add_row("all parts", "", f"{sum(memory.values()) / 2**20:.0f}")
        return table

    @property
    def total_s(self) -> float:
        return time.monotonic() - self._began

    def _say(self, text: str) -> None:
        with self._lock:
            self._console.print(f"[{self.total_s:6.1f}s] {text}", markup=False)

    def _keep(self) -> None:
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._memory.with_suffix(".new")
        fresh.write_text(json.dumps(self._usual, indent=1, sort_keys=True))
        fresh.replace(self._memory)


def _read(memory: Path) -> dict[str, float]:
    try:
        return {str(k): float(v) for k, v in json.loads(memory.read_text()).items()}
    except (FileNotFoundError, ValueError):
        return {}  # only estimates are lost
