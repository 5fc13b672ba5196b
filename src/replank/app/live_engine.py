"""The engine on the real world."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from replank.app.live_access import open_access
from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.engine.store import SqlJournal
from replank.migrations.runtime_swap.steps.registry import runtime_swap_registry
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.ports.journal import WatchedJournal
from replank.ports.steps import Registry


def live_runner(url: str) -> AbstractAsyncContextManager[Engine]:
    """Starts no workflow engine before the first run is carried on. Raises `Refused` RP811."""
    return Engine(
        database_url=url,
        registry=all_code(),
        open_access=open_access,
        patience=Patience(),
        clock=SystemClock(),
    )


def all_code() -> Registry:
    """Code for every kind of step and check of every migration. No kind has two."""
    registries = (takeover_registry(), runtime_swap_registry())
    steps = [pair for registry in registries for pair in registry.steps.items()]
    checks = [pair for registry in registries for pair in registry.checks.items()]
    assert len(dict(steps)) == len(steps), "a kind of step has two codes"
    assert len(dict(checks)) == len(checks), "a kind of check has two codes"
    return Registry(steps=dict(steps), checks=dict(checks))


def live_journal(url: str) -> AbstractAsyncContextManager[WatchedJournal]:
    """Only the journal. Raises `Refused` RP811."""
    return SqlJournal(url)
