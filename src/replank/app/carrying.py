"""What every command that carries runs on shares: engine, live view, signals, report at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from replank.app.approvals import whoever
from replank.app.campaign import Result
from replank.app.conduct import Conductor
from replank.app.console import err
from replank.app.fleet_file import clusters_named
from replank.app.holder import holder
from replank.app.interrupts import Interrupts
from replank.app.live import LiveView
from replank.app.run_reports import report_of, write_report
from replank.app.wiring import Runner, Wiring
from replank.inventory.fleet.model import Fleet
from replank.journal.event import Direction
from replank.plan.codec import AnyPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """`reports`: folder of the run reports."""

    runner: Runner
    conductor: Conductor
    reports: Path

    async def go(self, run_id: str, plan: AnyPlan, *, direction: Direction, goal: str) -> Result:
        """Carries the run on and writes its report, however it ended."""
        try:
            return await self.conductor.go(run_id, plan, direction=direction, goal=goal)
        finally:
            await self.report(run_id, plan)

    async def report(self, run_id: str, plan: AnyPlan) -> None:
        """Writes the run's report as it stands now."""
        page = write_report(await report_of(self.runner.journal, run_id, plan), self.reports)
        err().print(f"{plan.cluster}: report {page}", highlight=False, markup=False, soft_wrap=True)


@asynccontextmanager
async def carrying(
    wiring: Wiring, url: str, fleet: Fleet, reports: Path, *, take_over: bool
) -> AsyncIterator[Carrying]:
    """Opens the engine and watches for signals. `fleet`: of the clusters that may ask for approval."""

    async def approver(cluster: str, plan: AnyPlan) -> str:
        (config,) = clusters_named(fleet, (cluster,))
        async with wiring.access(config, plan) as access:
            return str(await whoever(access, plan))

    def tell(text: str) -> None:
        err().print(text, style="bold yellow", markup=False)

    async with wiring.runner(url) as runner:
        with LiveView(runner.journal) as view:
            conductor = Conductor(
                runner=runner,
                view=view,
                holder=holder(),
                ask=wiring.ask(),
                whoever=approver,
                tell=tell,
                take_over=take_over,
            )
            with Interrupts(conductor.stop, tell=tell) as interrupts:
                yield Carrying(runner=runner, conductor=conductor, reports=reports)
                await interrupts.settled()
