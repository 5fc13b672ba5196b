"""replank itself: the engine as `replank apply --until control-plane --yes` uses it, with SQLite."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from proving_ground.bench.objects import STAGES, written
from proving_ground.bench.side import in_parallel, serve
from proving_ground.bench.worlds import Source, Systems, WallClock
from replank.engine.engine import Engine
from replank.engine.patience import Patience
from replank.inventory.fleet.model import KubeconfigRef
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.plan import codec
from replank.plan.takeover import TakeoverPlan, takeover_of
from replank.ports.access import Access
from replank.ports.journal import Run
from replank.transports.kubernetes.api import KubernetesApi

_HOLDER = f"bench@ground:{os.getpid()}"


class Takeovers:
    """`systems` of a cluster outlive one call of the engine, as a real cluster does."""

    def __init__(self, plans: dict[str, tuple[TakeoverPlan, str]], kubeconfig: str, seconds: float) -> None:
        self.plans = plans
        self._kubeconfig = KubeconfigRef(path=kubeconfig)
        self._systems = Systems(seconds)
        self._living: dict[str, Access] = {}

    @asynccontextmanager
    async def open_access(
        self, run: Run, plan: TakeoverPlan, fence: Callable[[], None]
    ) -> AsyncIterator[Access]:
        """Like the live one, but that only the management cluster is real."""
        async with KubernetesApi(self._kubeconfig, fence=fence) as management:
            living = self._living.get(run.cluster)
            living = self._systems.access(plan, management) if living is None else living
            self._living[run.cluster] = living
            yield replace(living, management=management)

    def forget(self) -> None:
        """The block is over."""
        self._living.clear()


class Engines:
    """One engine over all blocks, as one `apply` of all plans has."""

    def __init__(self, engine: Engine, takeovers: Takeovers, parallel: int) -> None:
        self._engine = engine
        self._takeovers = takeovers
        self._parallel = parallel
        self._runs: dict[str, str] = {}

    async def begin(self, names: Sequence[str]) -> None:
        """All stages up to the Secrets."""
        await in_parallel(names, self._parallel, self._begin)

    async def write(self, names: Sequence[str]) -> int:
        """The stages that write the cluster's objects."""
        await in_parallel(names, self._parallel, self._write)
        self._takeovers.forget()
        return sum(len(written(self._takeovers.plans[name][0])) for name in names)

    async def _begin(self, name: str) -> None:
        plan, text = self._takeovers.plans[name]
        run = await self._engine.start(plan, text, fleet="fleet.yaml", until=STAGES[-1], holder=_HOLDER)
        self._runs[name] = run
        await self._engine.approve(run, ["*"], "bench", "--yes")
        await self._carry(name, "credentials")

    async def _write(self, name: str) -> None:
        await self._carry(name, STAGES[-1])

    async def _carry(self, name: str, until: str) -> None:
        status = await self._engine.carry_on(self._runs[name], direction="apply", goal=until, holder=_HOLDER)
        if status != "done":
            events: Any = await self._engine.journal.events(self._runs[name])
            raise RuntimeError(f"{name} ended {status}: {events[-1]}")


async def main() -> None:
    """Serves blocks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("kubeconfig")
    parser.add_argument("journal", type=Path)
    parser.add_argument("--parallel", type=int, required=True)
    options = parser.parse_args()
    plans = {}
    for file in sorted(options.plans.glob("*.yaml")):
        text = file.read_text()
        plans[file.stem] = (takeover_of(codec.load(text.encode(), where=file.name), "takeover"), text)
    takeovers = Takeovers(plans, options.kubeconfig, Source.read(options.source).seconds)
    engine = Engine(
        database_url=f"sqlite:///{options.journal}",
        registry=takeover_registry(),
        open_access=takeovers.open_access,
        patience=Patience(),
        clock=WallClock(),
    )
    async with engine:
        await serve(Engines(engine, takeovers, options.parallel))


if __name__ == "__main__":
    asyncio.run(main())
