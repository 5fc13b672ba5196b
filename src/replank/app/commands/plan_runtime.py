"""`replank plan runtime`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.text import Text

from replank.app.bundles import read_bundle
from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, print_json, show_error
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.planning import swap_plan
from replank.app.store import SnapshotStore, write_private
from replank.domain.errors import ReplankError
from replank.inventory.runtime.versions import Version, parse_version
from replank.plan.codec import dump, sha256
from replank.plan.runtime_swap import RuntimeSwapPlan


def _version(_ctx: click.Context, param: click.Parameter, value: str) -> Version:
    """`containerd-2.3.5` or `2.3.5`."""
    text = value.removeprefix("containerd-")
    version = parse_version(text)
    if version is None or text.count(".") < 2:
        message = f"{value!r} is no full version of containerd, such as containerd-2.3.5"
        raise click.BadParameter(message, param=param)
    return version


@click.command("runtime")
@click.argument("clusters", nargs=-1)
@click.option("--to", callback=_version, required=True, help="The containerd to come, as containerd-2.3.5.")
@click.option(
    "--bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    required=True,
    help="Folder with containerd's release archive, unpacked, for the nodes' architecture.",
)
@click.option(
    "--unsupported", is_flag=True, help="Plan hops that upstream does not support, and name them so."
)
@click.option(
    "--root",
    default="/var/lib/containerd-replank",
    show_default=True,
    help="Root of the second containerd beside Docker; in place the old root stays.",
)
@click.option(
    "--deadline",
    type=click.IntRange(60, 86400),
    default=900,
    show_default=True,
    metavar="SECONDS",
    help="A node that is not well so long after its start goes back by itself.",
)
@click.option(
    "--etcd-snapshot",
    "snapshot_minutes",
    type=click.IntRange(0, 10080),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="No control plane is swapped without an etcd snapshot that is younger; 0: none is taken.",
)
@click.option(
    "--drain/--no-drain",
    default=True,
    show_default=True,
    help="Empty a node before Docker is switched off under it; else its pods restart where they are.",
)
@click.option(
    "--image",
    default="",
    metavar="NAME-OR-ID",
    help="Image with the new runtime, for machines that Cluster API makes later.",
)
@click.option(
    "--measure",
    is_flag=True,
    help="Measure pod starts, memory and CPU of each node's runtime before its swap and after it.",
)
@fleet_option
@snapshots_option
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("plans"), show_default=True
)
@at_option
@json_option
def command(
    clusters: tuple[str, ...],
    to: Version,
    bundle: Path,
    unsupported: bool,
    root: str,
    deadline: int,
    snapshot_minutes: int,
    drain: bool,
    image: str,
    measure: bool,
    fleet: Path,
    snapshots: Path,
    out: Path,
    at: datetime,
    as_json: bool,
) -> int:
    """Plan to swap the container runtime of CLUSTERS (default: all), from snapshots of `survey --runtime`.

    Workers first, then the control planes, one node after another. Exit status: 0 every plan is ready, 2 a
    plan is written but not ready (it names the blockers), 1 an error.
    """
    from replank.migrations.runtime_swap.settings import RuntimeSwapSettings

    settings = RuntimeSwapSettings(
        to=to,
        bundle=read_bundle(bundle),
        unsupported=unsupported,
        root=root,
        deadline_seconds=deadline,
        snapshot_minutes=snapshot_minutes,
        drain=drain,
        image=image,
        measure=measure,
    )
    rows: list[dict[str, object]] = []
    status = EXIT_OK
    for config in clusters_named(read_fleet(fleet), clusters):
        try:
            plan = swap_plan(SnapshotStore(snapshots).latest(config.name)[1], settings, config, at)
        except ReplankError as error:
            show_error(error, subject=config.name)
            status = EXIT_ERROR
            continue
        path = out / f"{config.name}.runtime.yaml"
        write_private(path, dump(plan).encode())
        if not plan.ready and status == EXIT_OK:
            status = EXIT_ATTENTION
        rows.append(_row(plan, path))
        _tell(plan, path)
    if as_json:
        print_json(rows)
    return status


def _blockers(plan: RuntimeSwapPlan) -> list[str]:
    return sorted({f.code for f in plan.findings if f.severity == "blocker"})


def _row(plan: RuntimeSwapPlan, path: Path) -> dict[str, object]:
    return {
        "cluster": plan.cluster,
        "plan": str(path),
        "ready": plan.ready,
        "sha256": sha256(plan),
        "to": plan.to,
        "nodes": [node.node for node in plan.nodes],
        "blockers": _blockers(plan),
        "unsupported": list(plan.unsupported),
        "aligned": [a.keeper for a in plan.cluster_api.alignments] if plan.cluster_api else [],
    }


def _tell(plan: RuntimeSwapPlan, path: Path) -> None:
    if plan.ready:
        verdict = ("ready", "green")
    elif not plan.nodes and not _blockers(plan):
        verdict = (f"nothing to do: every node is on {plan.to}", "green")
    else:
        verdict = (f"not ready: {', '.join(_blockers(plan))}", "bold red")
    err().print(Text.assemble(f"{plan.cluster}: {path} ", verdict))
    for hop in plan.unsupported:
        err().print(Text(f"  NOT SUPPORTED by upstream: {hop} in one hop", style="bold red"))
