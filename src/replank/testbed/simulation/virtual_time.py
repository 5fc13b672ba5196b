"""An asyncio loop whose time is a number: it jumps to the next timer whenever nothing is ready.

asyncio.sleep, timeout and wait_for work unchanged, so the code under test needs no seam of its own. Threads
and sockets do not: nothing in a simulation may wait for the outside.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(RuntimeError):
    """Nothing is ready and no timer is set: the simulated run waits for something that never comes."""


class _NoSockets(selectors.BaseSelector):
    """Never finds a file ready; hands the time that would have been waited to the loop."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, 0, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("no task is ready and no timer is set")
        self.passed += max(0.0, timeout)
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` starts at `start` (seconds since 1970)."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._sockets = _NoSockets()
        super().__init__(self._sockets)
        # Timers are compared with time() plus this; the clock's own would be that of the wall.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        """Virtual seconds since 1970."""
        return self._start + self._sockets.passed


def run(loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end. Tasks that it left behind are cancelled. Raises `Stuck`."""
    try:
        return loop.run_until_complete(main)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
