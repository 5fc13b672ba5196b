"""The part of a takeover that a person does: lets Terraform forget, and takes it back for the undo."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from replank.app.follow import follow
from replank.app.runs import newest, plan_of
from replank.engine.store import SqlJournal
from replank.journal.event import Direction
from replank.plan.takeover import Forget, takeover_of

_LOOK_S: Final = 0.1


class Operator:
    """While it is open it answers the run's holds at Terraform's gate, as somebody at another desk would.

    `url`: of the journal. `tell`: hears what is done. A state that was changed is as before after an undo.
    """

    def __init__(self, url: str, cluster: str, tell: Callable[[str], None]) -> None:
        self._url = url
        self._cluster = cluster
        self._tell = tell
        self._kept: dict[Path, bytes] = {}
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="operator", daemon=True)

    def __enter__(self) -> Operator:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(30)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        async with SqlJournal(self._url) as journal:
            watching = asyncio.ensure_future(self._watch(journal))
            ended = asyncio.ensure_future(self._ended.wait())
            await asyncio.wait((watching, ended), return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if watching.done():
                watching.result()
            watching.cancel()

    async def _watch(self, journal: SqlJournal) -> None:
        found = await newest(journal, self._cluster)
        if found is None:
            await asyncio.sleep(_LOOK_S)
            return await self._watch(journal)
        plan = takeover_of(plan_of(found.run), "part of Terraform")
        gates = {s.id for stage in plan.stages for s in stage.steps if s.kind == "terraform.forget"}
        async for event in follow(journal, found.run.id, every_s=_LOOK_S):
            if event.kind == "hold" and event.step in gates:
                self._act(event.direction, plan.forget)
        return None

    def _act(self, direction: Direction, forget: tuple[Forget, ...]) -> None:
        if direction == "undo":
            for path, before in self._kept.items():
                path.write_bytes(before)
            self._tell("somebody puts back into the state what the takeover had let go")
            self._kept.clear()
        elif not self._kept:
            for path in {Path(each.state) for each in forget}:
                self._kept[path] = path.read_bytes()
                path.write_text(json.dumps(without(json.loads(self._kept[path]), forget)))
            self._tell(f"somebody runs `terraform state rm` for {len(forget)} resources")


def without(state: dict[str, Any], forget: tuple[Forget, ...]) -> dict[str, Any]:
    """The state (v4) without these resources."""
    gone = {each.id for each in forget}
    resources = []
    for resource in state["resources"]:
        left = [i for i in resource["instances"] if i["attributes"].get("id") not in gone]
        if left:
            resources.append({**resource, "instances": left})
    return {**state, "serial": state["serial"] + 1, "resources": resources}
