"""Nodes to swap. Their disks are not synced: nobody pulls a plug here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_runs import MAKERS, Runs

from replank.migrations.runtime_swap.node import swap_node


@pytest.fixture
def room() -> Iterator[Path]:
    """A folder in memory where there is one: a test makes thousands of small files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def runs(room: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Runs]:
    """Makes nodes with a strategy, each in a folder of its own."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.setattr(swap_node, "BALLAST_BYTES", 1 << 10)
    made: list[Runs] = []

    def make(strategy: str) -> Runs:
        root = room / f"node{len(made)}"
        root.mkdir()
        made.append(Runs(*MAKERS[strategy](root)))
        return made[-1]

    return make
