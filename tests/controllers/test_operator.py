"""The operator as a whole: watches over HTTP, a round, what is served, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from replank.controllers.operator import Operator, Settings
from replank.domain.errors import Hold, Refused, Transient
from replank.engine.clock import SystemClock
from replank.guards.names import PRE_DRAIN
from replank.guards.work.look import CORE
from tests.controllers.recorded_api import RecordedApi
from tests.controllers.watch_server import WatchServer, labelled

LEASE = ("Lease", "replank-system", "replank-operator")
MACHINE = ("Machine", "shop", "m1")


def cluster() -> dict[str, Any]:
    meta = {"namespace": "shop", "name": "blue"}
    return {"apiVersion": CORE, "kind": "Cluster", "metadata": meta, "spec": {}}


def going() -> dict[str, Any]:
    """A Machine without a Node: nothing has to be waited for."""
    meta = {
        "namespace": "shop",
        "name": "m1",
        "labels": {"cluster.x-k8s.io/cluster-name": "blue"},
        "annotations": {PRE_DRAIN: ""},
        "deletionTimestamp": "2026-11-26T00:00:00Z",
    }
    return {"apiVersion": CORE, "kind": "Machine", "metadata": meta, "spec": {}, "status": {}}


@dataclass
class FakeSystems:
    """`guards.work.systems.Systems` with a management cluster alone."""

    management: RecordedApi
    fence: Callable[[], None]
    clock: SystemClock = field(default_factory=SystemClock)
    closed: int = 0

    async def workload(self, cluster: dict[str, Any]) -> Any:
        raise Transient("RP900", "The API does not answer", "refused", "Nothing.")

    async def cloud(self, cluster: dict[str, Any]) -> Any:
        raise Transient("RP900", "OpenStack does not answer", "refused", "Nothing.")

    async def forget(self, namespace: str, name: str) -> None: ...

    async def aclose(self) -> None:
        self.closed += 1


@dataclass
class Process:
    operator: Operator
    systems: FakeSystems
    api: RecordedApi
    stop: asyncio.Event
    task: asyncio.Task[None]


@asynccontextmanager
async def process(server: WatchServer, api: RecordedApi, identity: str = "one") -> AsyncIterator[Process]:
    made: list[FakeSystems] = []

    def systems(fence: Callable[[], None]) -> FakeSystems:
        made.append(FakeSystems(api, fence))
        return made[-1]

    operator = Operator(
        Settings(identity=identity, lease_namespace="replank-system", listen="127.0.0.1:0"),
        clock=SystemClock(),
        systems=systems,  # type: ignore[arg-type]
        lease_api=lambda _: api,  # type: ignore[arg-type, return-value]
        connect=server.connect,
    )
    stop = asyncio.Event()
    running = Process(operator, made[0], api, stop, asyncio.ensure_future(operator.run(stop)))
    try:
        yield running
    finally:
        stop.set()
        await asyncio.wait_for(running.task, 30)


async def until(true: Callable[[], bool]) -> None:
    """Polls: what is waited for happens in another thread, over sockets."""
    async with asyncio.timeout(15):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def served(process: Process, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{process.operator.port}{path}") as answer,
    ):
        return answer.status, await answer.text()


def holder(api: RecordedApi) -> str:
    return str(api.objects[LEASE]["spec"]["holderIdentity"])


def test_a_hook_is_released_after_an_event_and_the_end_gives_the_lease_back():
    async def work() -> None:
        api = RecordedApi(cluster(), going())
        server = WatchServer(objects=[labelled("Machine", "m1", "blue")])
        async with server.serving():
            async with process(server, api) as one:
                await until(lambda: not api.objects[MACHINE]["metadata"]["annotations"])
                one.systems.fence()
                assert holder(api) == "one"
                assert await served(one, "/healthz") == (200, "ok\n")
                assert await served(one, "/readyz") == (200, "ok\n")
                status, text = await served(one, "/metrics")
                assert status == 200
                assert "replank_leader 1.0" in text
                assert 'replank_released_total{forced="false",hook="pre-drain"} 1.0' in text
            assert holder(api) == ""
            assert (one.systems.closed, api.closed) == (1, 1)
            with pytest.raises(Hold):
                one.systems.fence()

    asyncio.run(work())


def test_a_standby_is_ready_and_does_nothing():
    async def work() -> None:
        api = RecordedApi(cluster(), going())
        api.put(
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"namespace": "replank-system", "name": "replank-operator"},
                "spec": {
                    "holderIdentity": "another",
                    "leaseDurationSeconds": 30,
                    "renewTime": "2026-01-01T00:00:00Z",
                },
            }
        )
        server = WatchServer(objects=[labelled("Machine", "m1", "blue")])
        async with server.serving(), process(server, api, "two") as two:
            await until(lambda: "machines" in server.watched)
            await until(lambda: two.operator.leadership.holder == "another")
            assert await served(two, "/readyz") == (200, "ok\n")
            assert "replank_leader 0.0" in (await served(two, "/metrics"))[1]
            assert api.objects[MACHINE]["metadata"]["annotations"] == {PRE_DRAIN: ""}
            assert {resource for _, resource, _ in api.asked} == {"leases"}
        assert holder(api) == "another"

    asyncio.run(work())


def test_a_replica_that_cannot_see_the_api_is_alive_and_not_ready():
    async def work() -> None:
        api = RecordedApi()
        api.broken = Transient("RP900", "The API does not answer", "refused", "Nothing.")
        server = WatchServer()
        async with server.serving(), process(server, api) as one:
            await until(lambda: bool(api.asked))
            assert (await served(one, "/healthz"))[0] == 200
            status, text = await served(one, "/readyz")
            assert (status, text) == (503, "the management cluster's API has not answered yet\n")

    asyncio.run(work())


def test_an_address_that_is_taken_or_none_is_refused():
    async def work() -> None:
        api, server = RecordedApi(), WatchServer()
        async with server.serving(), process(server, api) as one:
            await until(lambda: one.operator.port > 0)
            for listen in (f"127.0.0.1:{one.operator.port}", "nowhere", ":99999"):
                other = Operator(
                    Settings(identity="x", lease_namespace="n", listen=listen),
                    clock=SystemClock(),
                    systems=lambda fence: FakeSystems(api, fence),  # type: ignore[arg-type, return-value]
                    lease_api=lambda _: api,  # type: ignore[arg-type, return-value]
                    connect=server.connect,
                )
                with pytest.raises(Refused) as caught:
                    await other.run(asyncio.Event())
                assert caught.value.code == "RP762"

    asyncio.run(work())
