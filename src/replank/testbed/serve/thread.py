"""A server of the twin in a thread of its own, with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

_PATIENCE_S = 30.0


class ServingThread:
    """A context manager: up when entered, gone when left.

    A subclass implements `_serve`: it starts its listeners, awaits `_hold()`, and closes them.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._cpu_s = 0.0

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the server's own thread so far."""
        loop = self._loop
        if loop is None or not loop.is_running():
            return self._cpu_s

        async def measure() -> float:
            return time.thread_time()

        return asyncio.run_coroutine_threadsafe(measure(), loop).result(timeout=_PATIENCE_S)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        if not self._ready.wait(timeout=_PATIENCE_S):
            raise TimeoutError(f"{self._name} did not start")
        if self._failed is not None:
            raise RuntimeError(f"{self._name} did not start") from self._failed
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._stop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(timeout=_PATIENCE_S)

    async def _serve(self) -> None:
        raise NotImplementedError

    async def _hold(self) -> None:
        """Says that the server is up, and waits until it is to end."""
        self._ready.set()
        await self._until_stopped()

    async def _until_stopped(self) -> None:
        """What hangs, hangs until the end of the server."""
        if self._stop is not None:
            await self._stop.wait()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except (OSError, ValueError) as error:
            self._failed = error
        finally:
            self._cpu_s = time.thread_time()
            self._ready.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        await self._serve()
