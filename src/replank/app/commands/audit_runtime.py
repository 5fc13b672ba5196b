"""`replank audit runtime`."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import click

from replank.app.audits import audit_settings
from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import out, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.store import SnapshotStore
from replank.audit.finding import NEWEST_LTS, Finding
from replank.domain.severity import Severity
from replank.inventory.runtime.versions import parse_version


def _version(_ctx: click.Context, param: click.Parameter, value: str) -> str:
    """`containerd-2.3`, `2.3` or `2.3.5`, as a version."""
    version = value.removeprefix("containerd-")
    if parse_version(version) is None:
        message = f"{value!r} is no version of containerd, such as containerd-2.3 or 2.3.5"
        raise click.BadParameter(message, param=param)
    return version


@click.command("runtime")
@click.argument("clusters", nargs=-1)
@click.option(
    "--to",
    "target",
    callback=_version,
    default=NEWEST_LTS,
    show_default=True,
    help="The containerd that the swap leads to.",
)
@fleet_option
@snapshots_option
@click.option(
    "--fail-on",
    type=click.Choice([*(str(s) for s in Severity), "never"]),
    default="blocker",
    show_default=True,
    help="Exit with 2 if there is a finding of this severity or worse.",
)
@at_option
@json_option
def command(
    clusters: tuple[str, ...],
    target: str,
    fleet: Path,
    snapshots: Path,
    fail_on: str,
    at: datetime,
    as_json: bool,
) -> int:
    """Say what would hinder or hurt a swap of the container runtime of CLUSTERS (default: all).

    By their latest snapshots, which `replank survey --runtime` writes. Beside the findings there is a table
    of what must be rolled out to every node before the first one is swapped. Exit status: 0 no finding at
    or above --fail-on, 1 an error, 2 there are some.
    """
    from replank.migrations.runtime_swap.checks import audit_runtime
    from replank.migrations.runtime_swap.checks.ship_first import ship_first
    from replank.report.json_view import finding_dict
    from replank.report.terminal.runtime_audit_view import runtime_audit_view

    store = SnapshotStore(snapshots)
    report: dict[str, tuple[Finding, ...]] = {}
    for config in clusters_named(read_fleet(fleet), clusters):
        _, snapshot = store.latest(config.name)
        settings = replace(audit_settings(config, at), containerd=target)
        report[config.name] = audit_runtime(snapshot, settings)
    if as_json:
        print_json(
            {
                name: {
                    "findings": [finding_dict(f) for f in findings],
                    "ship_first": [asdict(row) for row in ship_first(findings)],
                }
                for name, findings in report.items()
            }
        )
    else:
        for name, findings in report.items():
            out().print(runtime_audit_view(name, findings, ship_first(findings)))
    found = [finding for findings in report.values() for finding in findings]
    worst = fail_on != "never" and any(f.severity.at_least(Severity(fail_on)) for f in found)
    return EXIT_ATTENTION if worst else EXIT_OK
