"""The journal and the workflows on a real PostgreSQL, made for the test and thrown away."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from replank.domain.errors import Refused
from replank.engine.engine import Engine
from replank.engine.run_lock import is_locked
from replank.engine.store import SqlJournal
from replank.journal.event import Event
from tests.engine.toy import RUN, Kube, Rename, World, a_run, plan, registry
from tests.engine.toy_engine import begun, engine, me

NOBODY = 65534


@dataclass
class Server:
    """A PostgreSQL on a socket in a folder. It does not run as root, so root runs it as nobody."""

    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def run(self, *command: str) -> None:
        user = NOBODY if os.getuid() == 0 else None
        done = subprocess.run(command, user=user, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        log = str(self.folder / "log")
        self.run(tool("pg_ctl"), "-D", f"{self.folder}/data", "-o", options, "-l", log, "-w", "start")

    def stop(self) -> None:
        self.run(tool("pg_ctl"), "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop")


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        found = str(places[-1]) if places else None
    if found is None:
        pytest.skip(f"no {name} here: nothing of the engine was tried on a real PostgreSQL")
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    initdb = tool("initdb")
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="replank-pg-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        made = Server(folder)
        made.run(initdb, "-D", f"{folder}/data", "-U", "postgres", "-A", "trust", "--no-sync")
        made.start()
        try:
            yield made
        finally:
            made.stop()


def with_engine(server: Server, work: Callable[[Engine], Awaitable[Any]], **options: Any) -> Any:
    async def inside() -> Any:
        async with engine(Path(), server.url, **options) as the_engine:
            return await work(the_engine)

    return asyncio.run(inside())


def test_appends_of_two_processes_leave_no_gap(server: Server):
    async def work() -> Any:
        async with SqlJournal(server.url) as first, SqlJournal(server.url) as second:
            await first.start(a_run(plan()))
            await asyncio.gather(
                *(
                    journal.append(RUN, Event(at=0, kind="probe", data={"n": n}))
                    for n in range(30)
                    for journal in (first, second)
                )
            )
            return await first.events(RUN), await first.events(RUN, 59)

    events, last = asyncio.run(work())
    assert len(events) == 60
    assert len(last) == 1


def test_a_run_goes_on_after_the_database_was_gone(server: Server):
    world, kubes = World(), {"toy2": Kube()}

    async def work(the_engine: Engine) -> Any:
        run_id = await begun(the_engine, plan(cluster="toy2"))
        back: list[asyncio.Future[None]] = []

        class Gone(Rename):
            async def apply(self, at: Any) -> Any:
                done = await super().apply(at)
                if at.step.id == "align/1-b" and not back:
                    server.stop()
                    back.append(asyncio.ensure_future(asyncio.to_thread(server.start)))
                return done

        the_engine._registry = registry(world, **{"toy_rename": Gone(world)})
        status = await the_engine.carry_on(run_id, direction="apply", goal="", holder=me())
        await back[0]
        return status, [event.kind for event in await the_engine.journal.events(run_id)]

    status, kinds = with_engine(server, work, world=world, kubes=kubes)
    assert status == "done"
    assert kinds.count("applied") == kinds.count("step-done") == 4
    assert world.writes == ["a=new-a", "b=new-b", "c=new-c", "d=new-d"]


def test_two_processes_do_not_carry_one_run_on(server: Server):
    kubes = {"toy3": Kube()}

    async def work(first: Engine) -> Any:
        run_id = await begun(first, plan(cluster="toy3"))
        reached, gate = asyncio.Event(), asyncio.Event()
        world = World()

        class Waits(Rename):
            async def apply(self, at: Any) -> Any:
                reached.set()
                await gate.wait()
                return await super().apply(at)

        first._registry = registry(world, **{"toy_rename": Waits(world)})
        going = asyncio.create_task(first.carry_on(run_id, direction="apply", goal="", holder=me()))
        await reached.wait()
        async with engine(Path(), server.url, world=World(), kubes=kubes) as other:
            seen = [await is_locked(other._store.database, name) for name in (run_id, "another")]
            with pytest.raises(Refused) as caught:
                await other.carry_on(run_id, direction="apply", goal="", holder=me())
        gate.set()
        ending = await going
        # The server frees the lock when it has seen the connection's end, which is after we have.
        for _ in range(100):
            if not await is_locked(first._store.database, run_id):
                break
            await asyncio.sleep(0.05)
        return seen, caught.value.code, ending, await is_locked(first._store.database, run_id)

    found = with_engine(server, work, world=World(), kubes=kubes)
    assert found == ([True, False], "RP817", "done", False)
