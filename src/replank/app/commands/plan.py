"""`replank plan`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.text import Text

from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.commands.plan_runtime import command as runtime
from replank.app.console import err, print_json, show_error
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.planning import takeover_plan
from replank.app.schemas import SchemaCheck, check_manifests, crds_of_folder, crds_of_management
from replank.app.store import SnapshotStore, write_private
from replank.domain.errors import ReplankError
from replank.plan.codec import dump, sha256
from replank.plan.takeover import TakeoverPlan


@click.group("plan")
def command() -> None:
    """Write the plan of a migration. Nothing is changed by it."""


@command.command("takeover")
@click.argument("clusters", nargs=-1)
@fleet_option
@snapshots_option
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("plans"), show_default=True
)
@click.option(
    "--crds",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Validate the manifests against the CustomResourceDefinitions in this folder, not those that the "
    "management cluster serves.",
)
@at_option
@json_option
def takeover(
    clusters: tuple[str, ...],
    fleet: Path,
    snapshots: Path,
    out: Path,
    crds: Path | None,
    at: datetime,
    as_json: bool,
) -> int:
    """Plan the takeover of CLUSTERS (default: all) by Cluster API, from their latest snapshots.

    Exit status: 0 every plan is ready, 2 a plan is written but not ready (it names the blockers), 1 an error.
    """
    configs = clusters_named(read_fleet(fleet), clusters)
    folder = crds_of_folder(crds) if crds else None
    rows: list[dict[str, object]] = []
    status = EXIT_OK
    for config in configs:
        try:
            plan = takeover_plan(SnapshotStore(snapshots).latest(config.name)[1], config, at)
            check = check_manifests(plan, folder if folder is not None else crds_of_management(config))
        except ReplankError as error:
            show_error(error, subject=config.name)
            status = EXIT_ERROR
            continue
        path = out / f"{config.name}.takeover.yaml"
        write_private(path, dump(plan).encode())
        if (not plan.ready or check.problems) and status == EXIT_OK:
            status = EXIT_ATTENTION
        rows.append(_row(plan, path, check))
        _tell(plan, path, check)
    if as_json:
        print_json(rows)
    return status


def _row(plan: TakeoverPlan, path: Path, check: SchemaCheck) -> dict[str, object]:
    return {
        "cluster": plan.cluster,
        "plan": str(path),
        "ready": plan.ready,
        "sha256": sha256(plan),
        "blockers": sorted({f.code for f in plan.findings if f.severity == "blocker"}),
        "validated_against": check.source,
        "schema_problems": [str(problem) for problem in check.problems],
    }


def _tell(plan: TakeoverPlan, path: Path, check: SchemaCheck) -> None:
    blockers = sorted({f.code for f in plan.findings if f.severity == "blocker"})
    verdict = ("ready", "green") if plan.ready else (f"not ready: {', '.join(blockers)}", "bold red")
    err().print(Text.assemble(f"{plan.cluster}: {path} ", verdict))
    for problem in check.problems:
        err().print(Text(f"  {problem.code} {problem}", style="red"))
    for code, says in check.left_out:
        err().print(Text(f"  {code} {says}", style="yellow"))


command.add_command(runtime)
