"""Ctrl-C and SIGTERM: the first asks for a pause, the second leaves at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from types import TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_at_once() -> None:
    """As if killed: the journal is on disk after every step, so nothing is lost."""
    os._exit(130)


class Interrupts:
    """A context manager inside a running event loop.

    `pause`: called once, at the first signal. `leave`: called at every later one.
    """

    def __init__(
        self,
        pause: Callable[[], Awaitable[None]],
        *,
        tell: Callable[[str], None],
        leave: Callable[[], None] = leave_at_once,
    ) -> None:
        self._pause = pause
        self._tell = tell
        self._leave = leave
        self._task: asyncio.Task[None] | None = None

    @property
    def asked(self) -> bool:
        """Whether a signal came."""
        return self._task is not None

    def __enter__(self) -> Interrupts:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.signalled)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def signalled(self) -> None:
        """What a signal does."""
        if self._task is not None:
            self._tell("Leaving at once. The journal has everything up to the running step.")
            self._leave()
            return
        self._tell("Pausing after the running step. Once more leaves at once, which loses nothing either.")
        self._task = asyncio.get_running_loop().create_task(self._paused())

    async def _paused(self) -> None:
        await self._pause()

    async def settled(self) -> None:
        """Waits until the pause, if one was asked for, is written down; raises what went wrong with it."""
        if self._task is not None:
            await self._task
