"""The healthy cluster of tests/facts as a snapshot."""

from __future__ import annotations

from functools import cache

import facts_loader
from replank.inventory.facts.snapshot import Snapshot


@cache
def healthy() -> Snapshot:
    return facts_loader.snapshot_of(facts_loader.healthy())
