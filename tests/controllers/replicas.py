"""Virtual time, and two operators on one Lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from replank.controllers.elapsed import Stopwatch
from replank.controllers.leadership import DURATION_S, NAME, Leadership
from replank.domain.errors import ReplankError
from replank.engine.lease_record import LeaseObject
from tests.engine.toy import Kube


class Time:
    """`ports.access.Clock`. Goes on only when a test says so; sleepers wake when it has come."""

    def __init__(self) -> None:
        self.wall = 1_767_225_600.0
        self.steady = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.wall

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.steady + seconds, woken))
        await woken.wait()

    async def on(self, seconds: float) -> None:
        until = self.steady + seconds
        await settle()
        while self.steady < until:
            self.steady += 1
            self.wall += 1
            for due, woken in list(self._sleepers):
                if due <= self.steady:
                    self._sleepers.remove((due, woken))
                    woken.set()
            await settle()


async def settle() -> None:
    """Lets every task come as far as it can without time going on."""
    for _ in range(25):
        await asyncio.sleep(0)


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        return await asyncio.wait_for(work(), 30)

    return asyncio.run(inside())


@dataclass
class Replica:
    """One process."""

    time: Time
    kube: Kube
    name: str
    told: list[bool] = field(default_factory=list)
    failures: list[ReplankError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leadership = Leadership(
            LeaseObject.named(self.kube, "replank-system", NAME, DURATION_S),  # type: ignore[arg-type]
            self.time,
            Stopwatch(self.time, lambda: self.time.steady),
            identity=self.name,
            changed=self.told.append,
            failed=self.failures.append,
        )
        self.task = asyncio.ensure_future(self.leadership.run())

    def kill(self) -> None:
        self.task.cancel()

    @property
    def may_write(self) -> bool:
        try:
            self.leadership.fence()
        except ReplankError:
            return False
        return True
