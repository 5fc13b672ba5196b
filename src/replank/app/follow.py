"""Reads a run's journal as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from replank.journal.event import Event
from replank.journal.state import RunState, take
from replank.ports.journal import Journal

EVERY_S = 0.5
RESTING = ("done", "undone", "aborted", "refused", "paused")
"""Nothing more comes unless somebody acts."""


async def follow(
    journal: Journal, run_id: str, *, after: int = 0, every_s: float = EVERY_S
) -> AsyncIterator[Event]:
    """Events without the first `after`, for ever: the one who listens ends it."""
    seen = after
    while True:
        events = await journal.events(run_id, seen)
        seen += len(events)
        for event in events:
            yield event
        if not events:
            await asyncio.sleep(every_s)


async def follow_to_rest(journal: Journal, run_id: str, *, every_s: float = EVERY_S) -> AsyncIterator[Event]:
    """All events, until the run is at rest and everything was told."""
    state, seen = RunState(), 0
    while True:
        events = await journal.events(run_id, seen)
        seen += len(events)
        for event in events:
            take(state, event)
            yield event
        if state.status in RESTING and not events:
            return
        if not events:
            await asyncio.sleep(every_s)
