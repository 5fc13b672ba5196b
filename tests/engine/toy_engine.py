"""The engine over a toy world that lies in a file, so that several processes can work on it.

As a program: `python -m tests.engine.toy_engine FOLDER URL start|resume|undo [RUN]`; prints run and
status. It stops at a thing named by $TOY_STOP (writes FOLDER/stopped and sleeps) to be killed there.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access, Clock, Document, ObjectRef
from replank.ports.journal import Run
from replank.ports.steps import Registry
from tests.engine.toy import Kube, World, access, plan, registry


class QuickClock(SystemClock):
    """Real time, but sleeping takes a hundredth."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


class FileWorld(World):
    """`names` and the workload cluster's objects are read before and written after every call."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.file = folder / "world.json"
        self.folder = folder
        if self.file.exists():
            kept = json.loads(self.file.read_text())
            self.names, self.writes = kept["names"], kept["writes"]
        self.before_call = self._stop
        self.after_call = self._save

    def _stop(self, what: str) -> None:
        if os.environ.get("TOY_STOP") == f"before {what}":
            self._hang()

    def _save(self, what: str) -> None:
        text = json.dumps({"names": self.names, "writes": self.writes})
        self.file.with_suffix(".new").write_text(text)
        self.file.with_suffix(".new").replace(self.file)
        if os.environ.get("TOY_STOP") == f"after {what}":
            self._hang()

    def _hang(self) -> None:
        (self.folder / "stopped").touch()
        time.sleep(60)


class FileKube(Kube):
    """Its objects lie in a file, too."""

    def __init__(self, folder: Path, fence: Callable[[], None]) -> None:
        super().__init__(fence)
        self.file = folder / "kube.json"

    async def get(self, ref: ObjectRef) -> Document | None:
        self._load()
        return await super().get(ref)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        self._load()
        gone = await super().delete(ref, uid=uid, resource_version=resource_version)
        self._save()
        return gone

    def _keep(self, ref: ObjectRef, document: Document, *, exists: bool) -> Document:
        self._load()
        kept = super()._keep(ref, document, exists=exists)
        self._save()
        return kept

    def _load(self) -> None:
        if self.file.exists():
            kept = json.loads(self.file.read_text())
            self.objects = {ObjectRef.of(document): document for document in kept}
            versions = [int(document["metadata"]["resourceVersion"]) for document in kept]
            self._version = max([self._version, *versions])

    def _save(self) -> None:
        self.file.write_text(json.dumps(list(self.objects.values())))


def engine(
    folder: Path,
    url: str,
    *,
    world: World | None = None,
    clock: Clock | None = None,
    kubes: Mapping[str, Kube] | None = None,
    more: Mapping[str, Any] | None = None,
) -> Engine:
    """`kubes`: workload clusters by name; one in a file where none is given."""
    the_clock = clock or QuickClock()
    the_registry: Registry = registry(world or FileWorld(folder), **(more or {}))

    @asynccontextmanager
    async def open_access(run: Run, _: TakeoverPlan, fence: Callable[[], None]) -> AsyncIterator[Access]:
        kube = kubes[run.cluster] if kubes else FileKube(folder, fence)
        kube.fence = fence
        yield access(the_clock, kube)  # type: ignore[arg-type]

    return Engine(
        database_url=url,
        registry=the_registry,
        open_access=open_access,
        patience=Patience(poll_s=2, gate_s=60, hold_s=600, attempts=3, first_pause_s=1, longest_pause_s=4),
        clock=the_clock,
    )


async def begun(engine: Engine, the_plan: TakeoverPlan | None = None, until: str = "") -> str:
    given = the_plan or plan()
    return await engine.start(given, codec.dump(given), fleet="fleet.yaml", until=until, holder=me())


def me() -> str:
    return f"me@here:{os.getpid()}"


async def main(folder: str, url: str, what: str, run_id: str = "") -> None:
    async with engine(Path(folder), url) as the_engine:
        if what == "start":
            run_id = await begun(the_engine)
            print(run_id, flush=True)
        direction = "undo" if what == "undo" else "apply"
        status = await the_engine.carry_on(run_id, direction=direction, goal="", holder=me())  # type: ignore[arg-type]
        print(status, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
