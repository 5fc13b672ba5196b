"""The operator: leadership, watches, rounds and what is served, until it is told to end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, Protocol

from replank.controllers.elapsed import Stopwatch
from replank.controllers.leadership import DURATION_S, NAME, Leadership
from replank.controllers.log import note, note_error
from replank.controllers.metrics import Metrics
from replank.controllers.rounds import PARALLEL, Rounds
from replank.controllers.serving import serving
from replank.controllers.telling import ClusterKey, Teller
from replank.controllers.watching import Watching
from replank.domain.errors import ReplankError
from replank.engine.lease_record import LeaseObject
from replank.guards.work.look import CORE
from replank.guards.work.round import Rounded, go_round
from replank.guards.work.systems import Systems
from replank.ports.access import Clock, KubeApi
from replank.transports.kubernetes.connection import Connection

ROLL_CALL_S: Final = 60.0
_END_S: Final = 20.0
"""For rounds under way and for kopf, less than a Pod's 30 s."""


class Held(Systems, Protocol):
    """What rounds need, and what must be closed when the operator ends."""

    async def forget(self, namespace: str, name: str) -> None:
        """The Cluster is gone."""
        ...

    async def aclose(self) -> None: ...


class LeaseApi(KubeApi, Protocol):
    """One that must be closed."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`identity`: of this replica, no other's ever. `namespaces`: empty = all. `listen`: see `serving`."""

    identity: str
    lease_namespace: str
    listen: str
    namespaces: tuple[str, ...] = ()
    parallel: int = PARALLEL


class Operator:
    """`systems`: made with the fence that every write must pass. `lease_api`: a line of its own, so that
    a renewal never stands behind listings. `connect`: a connection for the watches."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        systems: Callable[[Callable[[], None]], Held],
        lease_api: Callable[[Callable[[], None]], LeaseApi],
        connect: Callable[[], Awaitable[Connection]],
    ) -> None:
        self.settings = settings
        self._clock = clock
        self.metrics = Metrics()
        self.port = 0
        stopwatch = Stopwatch(clock)
        self._systems = systems(self._fence)
        self._lease_api = lease_api(self._fence)
        self.leadership = Leadership(
            LeaseObject.named(self._lease_api, settings.lease_namespace, NAME, DURATION_S),
            clock,
            stopwatch,
            identity=settings.identity,
            changed=self._leads,
            failed=lambda error: note_error("the Lease could not be looked after", error),
        )
        self.rounds = Rounds(
            self._go,
            leads=lambda: self.leadership.leads,
            clock=clock,
            stopwatch=stopwatch,
            teller=Teller(self.metrics),
            chance=random.random,
            parallel=settings.parallel,
        )
        self.watching = Watching(
            connect,
            namespaces=settings.namespaces,
            wake=self.rounds.wake,
            ended=self.metrics.watches_ended.inc,
            clock=clock,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises what a part of it raised that must never end."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._systems.aclose)
            stack.push_async_callback(self._lease_api.aclose)
            self.port = await stack.enter_async_context(
                serving(self.settings.listen, self.metrics, self._unready)
            )
            note("the operator begins", identity=self.settings.identity, port=self.port)
            parts = [
                _named("leadership", self.leadership.run()),
                _named("watching", self.watching.run()),
                _named("roll call", self._roll_call()),
            ]
            stopped = _named("stop", stop.wait())
            try:
                done, _ = await asyncio.wait({*parts, stopped}, return_when=asyncio.FIRST_COMPLETED)
                note("the operator ends", identity=self.settings.identity)
                await self._end(parts)
            finally:
                for task in (*parts, stopped):
                    task.cancel()
            for task in done - {stopped}:
                task.result()

    async def _end(self, parts: Sequence[asyncio.Task[Any]]) -> None:
        """Rounds first, while this replica still leads; then the Lease, so that another follows at once."""
        leading, watching, roll_call = parts
        self.watching.stop()
        roll_call.cancel()
        ending = asyncio.ensure_future(self.rounds.end())
        await asyncio.wait({ending}, timeout=_END_S)
        ending.cancel()
        leading.cancel()
        await self.leadership.release()
        await asyncio.wait({watching}, timeout=_END_S / 4)

    async def _go(self, key: ClusterKey) -> Rounded | None:
        rounded = await go_round(self._systems, key.namespace, key.name)
        if rounded is None:
            await self._systems.forget(key.namespace, key.name)
        return rounded

    def _fence(self) -> None:
        self.leadership.fence()

    def _leads(self, leads: bool) -> None:
        self.metrics.leader.set(int(leads))
        note("this replica leads" if leads else "this replica stands by", holder=self.leadership.holder)
        self.rounds.lead(leads)

    def _unready(self) -> str:
        """A standby is ready, too: it could lead."""
        answered = self.leadership.answered_s
        if answered is None:
            return "the management cluster's API has not answered yet"
        if answered > DURATION_S:
            return f"the management cluster's API has not answered for {answered:.0f} s"
        return ""

    async def _roll_call(self) -> None:
        """No cluster is forgotten because a watch was lost."""
        while True:
            await self._clock.sleep(ROLL_CALL_S)
            if not self.leadership.leads:
                continue
            try:
                for namespace in self.settings.namespaces or ("",):
                    for cluster in await self._systems.management.list(CORE, "Cluster", namespace):
                        meta = cluster["metadata"]
                        self.rounds.know(ClusterKey(meta["namespace"], meta["name"]))
            except ReplankError as error:
                note_error("the Clusters could not be listed", error)


def _named(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)
