"""The real engine and journal behind the command line, on steps that only write a line to a file.

As a program it applies a plan and stops in the middle of a step, to be signalled:
`python real_engine.py FOLDER PLAN STEP`.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fake_engine import FakeWorld

from replank.app.cli import main
from replank.app.wiring import Wiring
from replank.domain.verdict import Verdict, passed
from replank.engine.clock import SystemClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.engine.store import SqlJournal
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Conflict, Document, ObjectRef
from replank.ports.steps import Registry


class LeaseApi:
    """As much of an API server as a lease needs."""

    def __init__(self) -> None:
        self.kept: dict[ObjectRef, Document] = {}
        self.versions = itertools.count(1)

    async def get(self, ref: ObjectRef) -> Document | None:
        return self.kept.get(ref)

    async def create(self, document: Document) -> Document:
        meta = {"uid": "u", "resourceVersion": str(next(self.versions)), **document["metadata"]}
        return self.kept.setdefault(ObjectRef.of(document), {**document, "metadata": meta})

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        found = self.kept[ref]
        if resource_version != found["metadata"]["resourceVersion"]:
            raise Conflict("RP901", "Lease", "somebody else wrote", "Again.")
        meta = {**found["metadata"], "resourceVersion": str(next(self.versions))}
        self.kept[ref] = {**found, **patch, "metadata": meta}
        return self.kept[ref]

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        return self.kept.pop(ref, None) is not None


@dataclass
class LineStep:
    """Puts its step's ID into a file, once; takes it out again."""

    file: Path
    stop_at: str = ""

    async def found(self, at: At) -> JSON:
        return at.step.id in self.lines

    async def apply(self, at: At) -> JSON:
        if at.step.id not in self.lines:
            self.file.write_text("".join(f"{line}\n" for line in [*self.lines, at.step.id]))
        if at.step.id == self.stop_at:
            print("stopped", flush=True)
            await asyncio.sleep(60)
        return None

    async def undo(self, at: At) -> JSON:
        self.file.write_text("".join(f"{line}\n" for line in self.lines if line != at.step.id))
        return None

    @property
    def lines(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []


async def always(at: At, params: Mapping[str, JSON]) -> Verdict:
    return passed()


class EveryKind(dict[str, Any]):
    """A registry in which every kind has the same code."""

    def __init__(self, code: object) -> None:
        super().__init__()
        self.code = code

    def __contains__(self, kind: object) -> bool:
        return True

    def __missing__(self, kind: str) -> object:
        return self.code


def real_wiring(world: FakeWorld, code: LineStep, api: LeaseApi) -> Wiring:
    """That of `world`, with the real engine."""

    @asynccontextmanager
    async def open_access(_run: object, _plan: TakeoverPlan, _fence: object) -> AsyncIterator[Any]:
        yield SimpleNamespace(workload=api, clock=SystemClock())

    def engine(url: str) -> Engine:
        return Engine(
            database_url=url,
            registry=Registry(steps=EveryKind(code), checks=EveryKind(always)),
            open_access=open_access,  # type: ignore[arg-type]
            patience=Patience(poll_s=0.01, gate_s=1.0, hold_s=1.0, first_pause_s=0.01),
            clock=SystemClock(),
        )

    return replace(world.wiring, runner=engine, journal=SqlJournal)


if __name__ == "__main__":
    folder, plan, step_id = sys.argv[1:]
    stopping = LineStep(Path(folder) / "lines", stop_at=step_id)
    main(
        ["apply", "--yes", plan, "--fleet", f"{folder}/fleet.yaml", "--reports", f"{folder}/reports"],
        real_wiring(FakeWorld(), stopping, LeaseApi()),
    )
