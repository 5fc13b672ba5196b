"""Where runs are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from replank.journal.event import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One plan being carried out. `plan`: the plan file's text (it holds no secret). `fleet`: path of the
    fleet.yaml that says how to reach the cluster. `started_at`: seconds since 1970."""

    id: str
    cluster: str
    plan_sha256: str
    plan: str
    fleet: str
    started_at: float
    holder: str
    schema: str


class Journal(Protocol):
    """Runs and their events. A returned `append` is on disk."""

    async def start(self, run: Run) -> None: ...

    async def run(self, run_id: str) -> Run:
        """Raises `Refused` where there is none, naming those there are."""
        ...

    async def runs(self) -> tuple[Run, ...]:
        """Oldest first."""
        ...

    async def append(self, run_id: str, event: Event) -> None: ...

    async def events(self, run_id: str, after: int = 0) -> tuple[Event, ...]:
        """In order, without the first `after`."""
        ...


class WatchedJournal(Journal, Protocol):
    """One that also tells whether somebody is at work, without getting in the way."""

    async def worked_on(self, run_id: str) -> bool:
        """Whether a process holds the run's lock now. With a journal on PostgreSQL a process that has lost
        its connection holds none, and may live on."""
        ...
