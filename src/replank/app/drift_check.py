"""Looks at clusters again and makes their plans again, to see whether the plans still fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from replank.app.plan_files import PlanFile, Rejected
from replank.app.planning import settings_of, swap_plan, takeover_plan
from replank.domain.errors import Refused
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.fleet.model import ClusterConfig
from replank.plan.compare import Change
from replank.plan.drift import drift
from replank.plan.runtime_swap import RuntimeSwapPlan
from replank.report.words import count
from replank.survey.fleet import Readers, SurveyOptions, survey_fleet
from replank.survey.progress import Progress


async def drifted(
    files: Sequence[tuple[PlanFile, ClusterConfig]],
    readers: Readers,
    progress: Progress,
    now: datetime,
    *,
    parallel: int,
) -> list[Rejected]:
    """Those whose cluster (or whose settings in fleet.yaml) would give another plan now, or is not seen."""
    by_name = {file.cluster: (file, config) for file, config in files}
    rejected: list[Rejected] = []
    configs = [config for _, config in files]
    swaps = {f.cluster for f, _ in files if isinstance(f.plan, RuntimeSwapPlan)}
    options = SurveyOptions(parallel=parallel, runtime=bool(swaps))
    async for surveyed in survey_fleet(configs, readers, options, progress):
        file, config = by_name[surveyed.cluster]
        if surveyed.error is not None:
            rejected.append(Rejected(file.cluster, surveyed.error))
        elif surveyed.snapshot is not None and (changes := differences(file, config, surveyed.snapshot, now)):
            rejected.append(_drifted(file, changes))
    return sorted(rejected, key=lambda each: each.subject)


def differences(
    file: PlanFile, config: ClusterConfig, snapshot: Snapshot, now: datetime
) -> tuple[Change, ...]:
    """Between the plan and the same plan made from `snapshot`; those that matter."""
    plan = file.plan
    if isinstance(plan, RuntimeSwapPlan):
        return drift(plan, swap_plan(snapshot, settings_of(plan), config, now))
    return drift(plan, takeover_plan(snapshot, config, now))


def _drifted(file: PlanFile, changes: tuple[Change, ...]) -> Rejected:
    from replank.report.terminal.diff_view import diff_view

    error = Refused(
        "RP853",
        "The cluster is not what the plan was made for any more",
        f"{count(len(changes), 'difference')} that matter, shown below; nothing was written",
        "Survey and plan again, review the new plan, and apply that one.",
        where=str(file.path),
    )
    return Rejected(file.cluster, error, diff_view(changes))
