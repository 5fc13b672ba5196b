"""The port `Journal` in memory. What was appended survives the death of the process that wrote it."""

from __future__ import annotations

from collections.abc import Callable

from replank.domain.errors import Refused
from replank.journal.event import Event
from replank.ports.journal import Run


class MemoryJournal:
    """`observers`: called with every event once it is kept."""

    def __init__(self) -> None:
        self.observers: list[Callable[[Event], None]] = []
        self._runs: dict[str, Run] = {}
        self._events: dict[str, list[Event]] = {}

    async def start(self, run: Run) -> None:
        self._runs[run.id] = run
        self._events.setdefault(run.id, [])

    async def run(self, run_id: str) -> Run:
        if run_id not in self._runs:
            raise Refused("RP000", f"Run {run_id}", f"there are {sorted(self._runs)}", "Name one of them.")
        return self._runs[run_id]

    async def runs(self) -> tuple[Run, ...]:
        return tuple(self._runs.values())

    async def append(self, run_id: str, event: Event) -> None:
        self._events.setdefault(run_id, []).append(event)
        for observer in self.observers:
            observer(event)

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        return tuple(self._events.get(run_id, [])[after:])
