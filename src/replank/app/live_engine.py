"""The engine on the real world."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from replank.app.live_access import open_access
from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.engine.store import SqlJournal
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.ports.journal import WatchedJournal


def live_runner(url: str) -> AbstractAsyncContextManager[Engine]:
    """Starts no workflow engine before the first run is carried on. Raises `Refused` RP811."""
    return Engine(
        database_url=url,
        registry=takeover_registry(),
        open_access=open_access,
        patience=Patience(),
        clock=SystemClock(),
    )


def live_journal(url: str) -> AbstractAsyncContextManager[WatchedJournal]:
    """Only the journal. Raises `Refused` RP811."""
    return SqlJournal(url)
