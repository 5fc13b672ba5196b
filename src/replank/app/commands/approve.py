"""`replank approve`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import err, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import fleet_option, json_option
from replank.app.plan_files import PlanFile, read_plan, require_ready
from replank.inventory.fleet.model import ClusterConfig

if TYPE_CHECKING:
    from replank.app.approvals import Approver


@click.command("approve")
@click.argument("plan_file", metavar="PLAN", type=click.Path(dir_okay=False, path_type=Path))
@fleet_option
@click.option("--yes", is_flag=True, help="Do not ask for the cluster's name.")
@json_option
def command(plan_file: Path, fleet: Path, yes: bool, as_json: bool) -> int:
    """Approve PLAN's points of no return beforehand.

    Writes PLAN.approval.json: the plan's SHA-256, what is approved, when, and who: as the management cluster
    and Keystone know the credentials in use. `replank apply PLAN` takes it for exactly this content.

    Exit status: 0 approved, 2 not approved, 1 an error.
    """
    from replank.app.approvals import as_dict, words_of, write_approval
    from replank.app.asking import named
    from replank.app.wiring import wiring

    file = read_plan(plan_file)
    require_ready(file)
    (config,) = clusters_named(read_fleet(fleet), (file.cluster,))
    for word in words_of(file.plan):
        err().print(f"{word}: {_why(file, word)}", markup=False, highlight=False)
    if not asyncio.run(named(wiring().ask(), file.cluster, yes=yes)):
        err().print("Nothing was approved.")
        return EXIT_ATTENTION
    who = asyncio.run(_who(file, config))
    path, approval = write_approval(file, who, datetime.now(UTC))
    err().print(f"{path}: approved by {approval.who}", markup=False, highlight=False)
    if as_json:
        print_json(as_dict(approval))
    return EXIT_OK


def _why(file: PlanFile, word: str) -> str:
    why = {point.step: point.why for point in file.plan.points_of_no_return}
    steps = [step for stage in file.plan.stages for step in stage.steps if word in (step.approval, step.id)]
    return "; ".join(dict.fromkeys(why.get(step.id) or step.says for step in steps))


async def _who(file: PlanFile, config: ClusterConfig) -> Approver:
    from replank.app.approvals import whoever
    from replank.app.wiring import wiring

    async with wiring().access(config, file.plan) as access:
        return await whoever(access, file.plan)
