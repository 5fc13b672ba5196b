"""Metrics `replank_*`, as Prometheus reads them."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
_SECONDS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Of one process, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        cluster = ["namespace", "cluster"]
        machine = [*cluster, "machine", "hook"]
        self.leader = Gauge("replank_leader", "1 where this replica acts.", registry=self._registry)
        self.rounds = Counter(
            "replank_rounds",
            "Rounds by result: ok, faults (some action did not work), gone, error, bug.",
            ["result"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "replank_round_seconds", "Length of a round.", buckets=_SECONDS, registry=self._registry
        )
        self.waiting = Gauge(
            "replank_guard_waiting",
            "1 for each reason why a Machine's hook is not released.",
            [*machine, "reason"],
            registry=self._registry,
        )
        self.waiting_seconds = Gauge(
            "replank_guard_waiting_seconds",
            "How long a Machine has waited for its hook.",
            machine,
            registry=self._registry,
        )
        self.released = Counter(
            "replank_released",
            "Hooks that were released; forced: let go at a deadline with something left undone.",
            ["hook", "forced"],
            registry=self._registry,
        )
        self.pool_members = Gauge(
            "replank_pool_members", "Members of a pool that replank keeps.", ["pool"], registry=self._registry
        )
        self.actions = Counter(
            "replank_actions",
            "What rounds did, by result: ok, failed.",
            ["action", "result"],
            registry=self._registry,
        )
        self.watches_ended = Counter(
            "replank_watches_ended", "How often the watches broke and began anew.", registry=self._registry
        )

    def text(self) -> bytes:
        """The exposition, in `CONTENT_TYPE`."""
        return generate_latest(self._registry)
