"""Blocking calls of a client library, from an event loop, a bounded number at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Threads:
    """Runs work in `pool`, whose size is the bound."""

    loop: asyncio.AbstractEventLoop
    pool: Executor

    async def run(self, work: Callable[[], T]) -> T:
        """The work's result, or what it raised."""
        return await self.loop.run_in_executor(self.pool, work)
