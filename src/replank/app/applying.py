"""`replank apply` from the plans that were read to how each cluster ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from replank.app.approvals import approval_path
from replank.app.campaign import Campaign, Result
from replank.app.carrying import Carrying, carrying
from replank.app.console import err
from replank.app.plan_files import PlanFile, Rejected
from replank.app.preflight import Candidate, Preflight
from replank.app.probed import probed
from replank.app.progress import SurveyProgress
from replank.app.wiring import Wiring
from replank.inventory.fleet.model import Fleet
from replank.migrations.takeover.vocabulary import JUDGED_BY_REPLANK


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """One call of the command. `until`: a stage, "" = the end. `take_over`, `probe`, `judged_by_replank`: as
    the options. `baseline_s`: seconds that are probed before the run."""

    wiring: Wiring
    fleet: Fleet
    url: str
    reports: Path
    until: str = ""
    yes: bool = False
    parallel: int = 10
    canary: str = ""
    stop_after: int = 1
    most: int = 200
    probe: bool = False
    baseline_s: float = 60.0
    take_over: bool = False
    judged_by_replank: bool = False

    async def look(self, files: Sequence[PlanFile]) -> tuple[list[Candidate], list[Rejected]]:
        """Before the first write."""
        async with self.wiring.journal(self.url) as journal:
            with SurveyProgress(len(files)) as progress:
                preflight = Preflight(
                    fleet=self.fleet,
                    wiring=self.wiring,
                    journal=journal,
                    progress=progress,
                    until=self.until,
                    parallel=self.parallel,
                    most=self.most,
                    judged_by_replank=self.judged_by_replank,
                    tell=lambda text: err().print(text, style="yellow", markup=False),
                )
                return await preflight.check(files)

    async def carry_out(self, candidates: Sequence[Candidate]) -> list[Result]:
        """Canary, then the rest."""
        by_name = {candidate.cluster: candidate for candidate in candidates}
        async with carrying(
            self.wiring, self.url, self.fleet, self.reports, take_over=self.take_over
        ) as work:
            campaign = Campaign(
                take=lambda name: self._take(by_name[name], work),
                canary=self.canary,
                parallel=self.parallel,
                stop_after=self.stop_after,
                stopping=lambda: work.conductor.stopping,
            )
            return await campaign.run(list(by_name))

    async def _take(self, candidate: Candidate, work: Carrying) -> Result:
        if not self.probe:
            return await self._carry(candidate, work)
        record = self.reports / f"{candidate.cluster}-{int(time.time())}.probe.jsonl"
        record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        probes = self.wiring.probes(candidate.config, record, self.baseline_s)
        return await probed(probes, work, lambda: self._carry(candidate, work), candidate.cluster)

    async def _carry(self, candidate: Candidate, work: Carrying) -> Result:
        file, runner = candidate.file, work.runner
        if candidate.run is not None:
            run_id = candidate.run.id
        else:
            run_id = await runner.start(
                file.plan,
                file.text,
                fleet=self.fleet.path,
                until=self.until,
                holder=work.conductor.holder,
            )
        err().print(f"{file.cluster}: run {run_id}", highlight=False)
        if candidate.approval is not None:
            how = f"beforehand, {approval_path(file.path).name} of {candidate.approval.at}"
            await runner.approve(run_id, candidate.approval.words, str(candidate.approval.who), how)
        if self.judged_by_replank:
            who = await work.conductor.whoever(file.cluster, file.plan)
            await runner.approve(run_id, [JUDGED_BY_REPLANK], who, "--judged-by-replank")
        return await work.go(run_id, file.plan, direction="apply", goal=self.until)
