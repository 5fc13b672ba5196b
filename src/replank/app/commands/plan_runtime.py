"""`replank plan runtime`."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from replank.app.bundles import Bundle, bundle_of
from replank.app.cli import EXIT_ATTENTION, EXIT_ERROR, EXIT_OK
from replank.app.console import err, print_json, show_error
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.planning import swap_plan
from replank.app.store import SnapshotStore, write_private
from replank.domain.errors import ReplankError
from replank.inventory.hosts.runtime_commands import CONTAINERD_PACKAGES
from replank.inventory.runtime.versions import Version, parse_version
from replank.plan.codec import dump, sha256
from replank.plan.runtime_swap import PlannedPackage, RuntimeSwapPlan

_NAMED: Final = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)=(?P<version>[0-9][A-Za-z0-9.+~:-]*)", re.ASCII)


def _version(_ctx: click.Context, param: click.Parameter, value: str) -> Version:
    """`containerd-2.3.5` or `2.3.5`."""
    text = value.removeprefix("containerd-")
    version = parse_version(text)
    if version is None or text.count(".") < 2:
        message = f"{value!r} is no full version of containerd, such as containerd-2.3.5"
        raise click.BadParameter(message, param=param)
    return version


def _package(_ctx: click.Context, param: click.Parameter, value: str | None) -> PlannedPackage | None:
    """`containerd.io=2.3.5-1~debian.12~bookworm`."""
    if value is None:
        return None
    match = _NAMED.fullmatch(value)
    if match is None or match["name"] not in CONTAINERD_PACKAGES:
        message = f"{value!r} is not {' or '.join(CONTAINERD_PACKAGES)} with =VERSION, as apt writes it"
        raise click.BadParameter(message, param=param)
    return PlannedPackage(name=match["name"], version=match["version"])


def _refuse_other_version(package: PlannedPackage, to: Version) -> None:
    """A package's version is [epoch:]upstream[-revision] (deb-version(7)); of upstream's only the numbers."""
    told = re.match(r"(?:[0-9]+:)?([0-9]+\.[0-9]+\.[0-9]+)(?![0-9.])", package.version)
    if told is None or parse_version(told[1]) != to:
        raise click.UsageError(f"--package {package} is not containerd {to}, which --to names.")


@click.command("runtime")
@click.argument("clusters", nargs=-1)
@click.option("--to", callback=_version, required=True, help="The containerd to come, as containerd-2.3.5.")
@click.option(
    "--bundle",
    default="",
    metavar="FOLDER|FILE|URL",
    help="containerd's release archive for the nodes' architecture: unpacked in a folder, as a file, or "
    "https://...#sha256=HEX.",
)
@click.option(
    "--package",
    callback=_package,
    metavar="NAME=VERSION",
    help="Instead: what each node's apt fetches, as containerd.io=2.3.5-1~debian.12~bookworm. It is unpacked "
    "beside the old runtime, not installed.",
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
@click.option(
    "--measure-logs",
    "log_image",
    default="",
    metavar="IMAGE",
    help="Measure also how many log lines a second it takes, by a pod of an image with a shell (implies "
    "--measure).",
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
    bundle: str,
    package: PlannedPackage | None,
    unsupported: bool,
    root: str,
    deadline: int,
    snapshot_minutes: int,
    drain: bool,
    image: str,
    measure: bool,
    log_image: str,
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

    if bool(bundle) == (package is not None):
        raise click.UsageError("The new programs come from --bundle or from --package: give one of them.")
    if package is not None:
        _refuse_other_version(package, to)
    programs = bundle_of(bundle, out / "bundles") if bundle else Bundle(files=())
    settings = RuntimeSwapSettings(
        to=to,
        bundle=programs.files,
        archive=programs.archive,
        package=package,
        unsupported=unsupported,
        root=root,
        deadline_seconds=deadline,
        snapshot_minutes=snapshot_minutes,
        drain=drain,
        image=image,
        measure=measure or bool(log_image),
        log_image=log_image,
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
