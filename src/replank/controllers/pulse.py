"""Whether every watch still lives. kopf lets a single one die and goes on without it (kopf 1.45,
orchestration: a failed watcher is logged, nothing more)."""

from __future__ import annotations

from collections.abc import Collection

from replank.ports.access import Clock


class Pulse:
    """Every request for a watched kind is one beat: a living watch is renewed each minute. `groups`: API
    groups of the watched kinds. Beats come from kopf's thread."""

    def __init__(self, clock: Clock, groups: Collection[str]) -> None:
        self._clock = clock
        self._groups = frozenset(groups)
        self._beats: dict[str, float] = {}

    def beat(self, path: str) -> None:
        """A request goes out. `path`: of its URL; discovery's, and other groups', count for nothing."""
        parts = path.strip("/").split("/")
        if len(parts) > 3 and parts[0] == "apis" and parts[1] in self._groups:
            self._beats[path] = self._clock.now()

    def silent(self, seconds: float) -> tuple[str, ...]:
        """Paths that have been asked for once, and not for so long."""
        now = self._clock.now()
        return tuple(sorted(path for path, at in list(self._beats.items()) if now - at > seconds))
