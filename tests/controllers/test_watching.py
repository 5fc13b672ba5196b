"""What wakes a round, through the real kopf against an API server over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from replank.controllers.telling import ClusterKey
from replank.controllers.watching import WATCHED, Watching, cluster_of
from tests.controllers.watch_server import WatchServer, labelled

BLUE = ClusterKey("shop", "blue")


class Quick:
    """Pauses cost next to nothing."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.02)


@dataclass
class Woken:
    keys: list[ClusterKey] = field(default_factory=list)
    ended: int = 0

    def note_end(self) -> None:
        self.ended += 1


@asynccontextmanager
async def watching(server: WatchServer, *namespaces: str, clock: Quick | None = None) -> AsyncIterator[Woken]:
    woken = Woken()
    watches = Watching(
        server.connect,
        namespaces=namespaces,
        wake=woken.keys.append,
        ended=woken.note_end,
        clock=clock or Quick(),
    )
    task = asyncio.ensure_future(watches.run())
    try:
        yield woken
    finally:
        watches.stop()
        await asyncio.wait_for(task, 30)


async def until(true: Callable[[], bool]) -> None:
    """Polls: what is waited for happens in another thread, over sockets."""
    async with asyncio.timeout(15):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_watches_need_no_name_of_the_user(monkeypatch: pytest.MonkeyPatch):
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    async def work() -> None:
        server = WatchServer(objects=[labelled("Cluster", "blue", "")])
        async with server.serving(), watching(server) as woken:
            await until(lambda: BLUE in woken.keys)
            assert woken.ended == 0

    monkeypatch.setattr("getpass.getuser", nobody)
    asyncio.run(work())


def test_every_watched_kind_wakes_its_cluster_from_all_namespaces():
    async def work() -> None:
        server = WatchServer(objects=[labelled("Cluster", "red", "", "other")])
        async with server.serving(), watching(server) as woken:
            await until(lambda: server.watched >= {"clusters", "machines", "clusterguards"})
            await until(lambda: ClusterKey("other", "red") in woken.keys)
            for kind in ("Machine", "MachineDeployment", "KubeadmControlPlane"):
                await until(lambda: len(server.watched) >= len(WATCHED))
                before = len(woken.keys)
                server.changed(labelled(kind, f"a-{kind}".lower(), "blue"))
                await until(lambda before=before: BLUE in woken.keys[before:])
            before = len(woken.keys)
            server.changed(labelled("ClusterGuard", "blue", ""))
            await until(lambda: BLUE in woken.keys[before:])
        assert {method for method, _, _ in server.requests} == {"GET"}

    asyncio.run(work())


def test_named_namespaces_are_all_that_is_asked_for():
    async def work() -> None:
        server = WatchServer(
            objects=[labelled("Cluster", "red", "", "other"), labelled("Cluster", "blue", "")]
        )
        async with server.serving(), watching(server, "shop") as woken:
            await until(lambda: len(server.watched) >= len(WATCHED))
            await until(lambda: bool(woken.keys))
        assert set(woken.keys) == {BLUE}
        objects = [
            path for _, path, _ in server.requests if path.rsplit("/", 1)[-1] in ("clusters", "machines")
        ]
        assert objects
        assert all("/namespaces/shop/" in path for path in objects)
        assert not any(
            path.endswith(("/customresourcedefinitions", "/v1/namespaces")) for _, path, _ in server.requests
        )

    asyncio.run(work())


def test_a_token_that_is_written_anew_is_used_at_once_and_others_are_sent_as_they_are():
    async def work() -> None:
        server = WatchServer()
        async with server.serving(), watching(server, "shop"):
            await until(lambda: len(server.watched) >= len(WATCHED))
            assert {sent for _, _, sent in server.requests} == {"Bearer one"}
            server.token = "two"
            before = len(server.requests)
            server.drop()
            await until(lambda: len(server.requests) > before + 1)
        assert "Bearer two" in {sent for _, _, sent in server.requests[before:]}

    asyncio.run(work())


def test_a_watch_that_dies_alone_is_missed_and_begun_anew(caplog: pytest.LogCaptureFixture):
    async def work() -> None:
        server, clock = WatchServer(status=422), Quick()
        async with server.serving(), watching(server, "shop", clock=clock) as woken:
            await until(
                lambda: len({path for _, path, _ in server.requests if "/namespaces/shop/" in path}) == 5
            )
            server.status = 0
            server.objects.append(labelled("Cluster", "blue", ""))
            assert woken.ended == 0
            clock.time += 160
            await until(lambda: BLUE in woken.keys)
            assert woken.ended == 1

    caplog.set_level(logging.WARNING, logger="replank.operator")
    asyncio.run(work())
    assert "watches are silent and begin anew" in [record.getMessage() for record in caplog.records]


def test_kopf_that_breaks_as_a_whole_begins_anew(caplog: pytest.LogCaptureFixture):
    async def work() -> None:
        server = WatchServer(undiscovered=422, objects=[labelled("Cluster", "blue", "")])
        async with server.serving(), watching(server, "shop") as woken:
            await until(lambda: woken.ended >= 1)
            assert woken.keys == []
            server.undiscovered = 0
            await until(lambda: BLUE in woken.keys)

    caplog.set_level(logging.ERROR, logger="replank.operator")
    asyncio.run(work())
    assert any("begin anew" in record.getMessage() for record in caplog.records)


def test_an_object_of_no_cluster_wakes_nobody():
    assert cluster_of({"kind": "Machine", "metadata": {"namespace": "shop", "name": "m"}}) is None
    machine = {
        "kind": "Machine",
        "metadata": {"namespace": "shop", "name": "m"},
        "spec": {"clusterName": "blue"},
    }
    assert cluster_of(machine) == BLUE
    assert cluster_of({"kind": "Cluster", "metadata": {"namespace": "shop", "name": "blue"}}) == BLUE
