"""When rounds are gone: one task a cluster, woken by events and by the clock, a bounded number at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from replank.controllers.elapsed import Moment, Stopwatch
from replank.controllers.telling import ClusterKey
from replank.domain.errors import ReplankError, Transient
from replank.guards.work.round import Rounded
from replank.ports.access import Clock

PARALLEL: Final = 10
BREATH_S: Final = 1.0
"""Between two rounds of a cluster, however much happens: what happens meanwhile is seen by one round."""
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 60.0


class Telling(Protocol):
    """Where rounds are told of."""

    def rounded(self, key: ClusterKey, rounded: Rounded, seconds: float) -> None: ...

    def failed(self, key: ClusterKey, error: ReplankError, seconds: float, again_s: float) -> None: ...

    def broke(self, key: ClusterKey, error: BaseException, seconds: float, again_s: float) -> None: ...

    def gone(self, key: ClusterKey, seconds: float) -> None: ...

    def forget(self, key: ClusterKey) -> None: ...


@dataclass(slots=True, eq=False)
class _Cluster:
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    failures: int = 0


class Rounds:
    """`go`: one round. `leads`: whether this replica may act; asked before each round. `chance`: a number in
    [0, 1), for jitter."""

    def __init__(
        self,
        go: Callable[[ClusterKey], Awaitable[Rounded | None]],
        *,
        leads: Callable[[], bool],
        clock: Clock,
        stopwatch: Stopwatch,
        teller: Telling,
        chance: Callable[[], float],
        parallel: int = PARALLEL,
    ) -> None:
        self._go = go
        self._leads = leads
        self._clock = clock
        self._stopwatch = stopwatch
        self._teller = teller
        self._chance = chance
        self._slots = asyncio.Semaphore(parallel)
        self._clusters: dict[ClusterKey, _Cluster] = {}
        self._leading = asyncio.Event()
        self._ended = False

    def wake(self, key: ClusterKey) -> None:
        """Something happened to the cluster: a round soon, by a replica that leads."""
        if self._ended:
            return
        cluster = self._clusters.get(key)
        if cluster is None:
            cluster = self._clusters[key] = _Cluster()
            cluster.task = asyncio.create_task(self._keep(key, cluster), name=f"rounds {'/'.join(key)}")
        cluster.woken.set()

    def know(self, key: ClusterKey) -> None:
        """The cluster is there. One that is known already is not woken."""
        if key not in self._clusters:
            self.wake(key)

    def lead(self, leads: bool) -> None:
        """Leadership began or ended. When it begins, every known cluster is looked at."""
        if not leads:
            self._leading.clear()
            for key in self._clusters:
                self._teller.forget(key)
            return
        self._leading.set()
        for cluster in self._clusters.values():
            cluster.woken.set()

    async def end(self) -> None:
        """No round begins any more; those that are under way are waited for."""
        self._ended = True
        tasks = [cluster.task for cluster in self._clusters.values() if cluster.task is not None]
        for cluster in self._clusters.values():
            cluster.woken.set()
        self._leading.set()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep(self, key: ClusterKey, cluster: _Cluster) -> None:
        while not self._ended:
            await self._leading.wait()
            pause: float | None = BREATH_S
            async with self._slots:
                if self._ended:
                    return
                if self._leads():
                    cluster.woken.clear()
                    pause = await self._tried(key, cluster)
            if pause is None:
                del self._clusters[key]
                return
            await self._rest(cluster, pause)

    async def _tried(self, key: ClusterKey, cluster: _Cluster) -> float | None:
        """Seconds to the next round, unless something happens; None where the Cluster is gone."""
        began = self._stopwatch.now()
        try:
            return await self._round(key, cluster, began)
        except ReplankError as error:
            pause = self._pause(cluster, error)
            self._teller.failed(key, error, self._stopwatch.at_most(began), pause)
        except Exception as error:  # noqa: BLE001  (the one place: a bug stops this cluster's round, no other)
            pause = self._pause(cluster, None)
            self._teller.broke(key, error, self._stopwatch.at_most(began), pause)
        return pause

    async def _round(self, key: ClusterKey, cluster: _Cluster, began: Moment) -> float | None:
        rounded = await self._go(key)
        cluster.failures = 0
        if rounded is None:
            self._teller.gone(key, self._stopwatch.at_most(began))
            return None
        self._teller.rounded(key, rounded, self._stopwatch.at_most(began))
        if not self._leads():
            self._teller.forget(key)
        return rounded.again_s

    def _pause(self, cluster: _Cluster, error: ReplankError | None) -> float:
        """Doubles with each failure; jitter takes up to half of it away, so that clusters whose APIs are
        back at once do not come at once."""
        longest: float = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**cluster.failures)
        cluster.failures = min(cluster.failures + 1, 10)
        asked = error.retry_after_s if isinstance(error, Transient) else None
        return max(longest * (1 - self._chance() / 2), asked or 0.0)

    async def _rest(self, cluster: _Cluster, seconds: float) -> None:
        await self._clock.sleep(min(BREATH_S, seconds))
        if self._ended or cluster.woken.is_set() or seconds <= BREATH_S:
            return
        waking = asyncio.ensure_future(cluster.woken.wait())
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds - BREATH_S))
        try:
            await asyncio.wait({waking, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            sleeping.cancel()
