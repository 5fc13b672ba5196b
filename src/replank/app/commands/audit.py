"""`replank audit`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from replank.app.audits import audit_settings
from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import out, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.store import SnapshotStore
from replank.domain.severity import Severity
from replank.migrations.takeover.checks import audit_takeover


class AuditCommand(click.Command):
    """`audit CLUSTERS` is about a takeover; `audit runtime CLUSTERS` is a command of its own, so that neither
    has the other's options. A cluster of that name: `audit -- runtime`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """That of the command which the first word names."""
        if args[:1] == ["runtime"]:
            from replank.app.commands.audit_runtime import command as runtime

            return runtime.make_context(f"{info_name} runtime", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command("audit", cls=AuditCommand)
@click.argument("clusters", nargs=-1)
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
    clusters: tuple[str, ...], fleet: Path, snapshots: Path, fail_on: str, at: datetime, as_json: bool
) -> int:
    """Say what would hinder or hurt a takeover of CLUSTERS (default: all), by their latest snapshots.
    `replank audit runtime` does it for a swap of the container runtime.

    Each finding has a stable code (`replank explain CODE`), a severity, the evidence, what would happen and
    what to do. Exit status: 0 no finding at or above --fail-on, 1 an error, 2 there are some.
    """
    from replank.report.json_view import finding_dict
    from replank.report.terminal.audit_view import audit_view

    store = SnapshotStore(snapshots)
    report = {}
    worst = False
    for config in clusters_named(read_fleet(fleet), clusters):
        _, snapshot = store.latest(config.name)
        findings = audit_takeover(snapshot, audit_settings(config, at))
        report[config.name] = findings
        worst = worst or any(fail_on != "never" and f.severity.at_least(Severity(fail_on)) for f in findings)
    if as_json:
        print_json({name: [finding_dict(f) for f in findings] for name, findings in report.items()})
    else:
        for name, findings in report.items():
            out().print(audit_view(name, findings))
    return EXIT_ATTENTION if worst else EXIT_OK
