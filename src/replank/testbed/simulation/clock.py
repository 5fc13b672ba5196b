"""The port `Clock` on virtual time."""

from __future__ import annotations

import asyncio

from replank.testbed.simulation.virtual_time import VirtualLoop


class VirtualClock:
    """The loop's time. Sleeping lets everything else happen that is due until then."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> float:
        """Virtual seconds since 1970."""
        return self._loop.time()

    async def sleep(self, seconds: float) -> None:
        """Waits in virtual time."""
        await asyncio.sleep(seconds)
