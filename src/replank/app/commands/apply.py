"""`replank apply`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from replank.app.cli import EXIT_ERROR
from replank.app.console import err, show_error
from replank.app.fleet_file import read_fleet
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option, reports_option
from replank.app.plan_files import Rejected, plan_paths, read_plans


@click.command("apply")
@click.argument("plans", nargs=-1, required=True, metavar="PLAN...", type=click.Path(path_type=Path))
@fleet_option
@journal_option
@click.option("--until", default="", metavar="STAGE", help="Stop after this stage.")
@click.option("--yes", is_flag=True, help="Begin without asking. Points of no return are asked all the same.")
@click.option(
    "--parallel", type=click.IntRange(1, 200), default=10, show_default=True, help="Clusters at once."
)
@click.option(
    "--canary", default="", metavar="CLUSTER", help="First and alone; the others only if it is done."
)
@click.option(
    "--stop-after-failures",
    "stop_after",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Begin no further cluster after so many failed.",
)
@click.option(
    "--most-clusters",
    "most",
    type=click.IntRange(1),
    default=200,
    show_default=True,
    help="Workload clusters that one management cluster may have.",
)
@click.option("--probe", is_flag=True, help="Probe the clusters at 10 Hz all the while, and report it.")
@click.option(
    "--probe-baseline",
    "baseline_s",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="Seconds that are probed before the run, to compare with.",
)
@click.option(
    "--judged-by-replank",
    is_flag=True,
    help="Approve that replank's own comparison, not Cluster API's code, says that no machine would roll.",
)
@click.option("--take-over", is_flag=True, help="Take a cluster from a holder that is known to be gone.")
@reports_option
@json_option
def command(plans: tuple[Path, ...], fleet: Path, journal: str | None, as_json: bool, **options: Any) -> int:
    """Carry PLANs out: files, or folders of them. Looks first, asks, then writes.

    Each cluster is looked at again before its first write. A plan that does not fit any more, is not ready,
    or needs rights that are missing is refused; the other clusters go on. A plan that was begun earlier goes
    on where it stood.

    Exit status: 0 every cluster is there, 2 some wait (paused, not approved, not begun), 1 one was refused or
    failed.
    """
    from replank.app.applying import Applying
    from replank.app.asking import confirmed
    from replank.app.outcome import exit_status, show_results
    from replank.app.wiring import wiring
    from replank.report.terminal.apply_view import AboutToApply, apply_view

    config = read_fleet(fleet)
    files, rejected = read_plans(plan_paths(plans))
    world = wiring()
    applying = Applying(wiring=world, fleet=config, url=journal_url(journal, fleet, make=True), **options)
    candidates, more = asyncio.run(applying.look(files))
    rejected += more
    _show(rejected)
    if not candidates:
        show_results([], rejected, as_json=as_json)
        return EXIT_ERROR
    about = [
        AboutToApply(
            plan=c.file.plan, begun=c.run is not None, approved=c.approval is not None, until=applying.until
        )
        for c in candidates
    ]
    err().print(apply_view(about))
    question = f"Apply {len(candidates)} of {len(plans)}?"
    if not asyncio.run(confirmed(world.ask(), question, yes=applying.yes)):
        err().print("Nothing was begun.")
        return EXIT_ERROR
    results = asyncio.run(applying.carry_out(candidates))
    show_results(results, rejected, as_json=as_json)
    return exit_status(results, rejected)


def _show(rejected: Sequence[Rejected]) -> None:
    for each in rejected:
        show_error(each.error, subject=each.subject)
        if each.detail is not None:
            err().print(each.detail)
