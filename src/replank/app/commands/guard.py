"""`replank guard`."""

from __future__ import annotations

import io
from datetime import datetime
from importlib.resources import files
from pathlib import Path

import click
from ruamel.yaml import YAML

from replank.app.audits import audit_settings
from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import err, print_json
from replank.app.fleet_file import clusters_named, read_fleet
from replank.app.options import at_option, fleet_option, json_option, snapshots_option
from replank.app.store import SnapshotStore
from replank.guards.proposal import Proposal, propose
from replank.inventory.fleet.model import ClusterConfig


@click.command("guard")
@click.argument("cluster", required=False)
@fleet_option
@snapshots_option
@click.option("--crd", is_flag=True, help="Print the CustomResourceDefinition of ClusterGuard instead.")
@at_option
@json_option
def command(cluster: str | None, fleet: Path, snapshots: Path, crd: bool, at: datetime, as_json: bool) -> int:
    """Print the ClusterGuard of CLUSTER, by its latest snapshot: which pools replank's operator keeps.

    Its policies are the defaults (docs/day2.md). Pools that are left out are named on stderr, and why.

    Exit status: 0 no pool is left out, 2 some are, 1 an error.
    """
    if crd:
        _print(YAML(typ="safe").load(crd_text()), as_json=as_json, text=crd_text())
        return EXIT_OK
    if cluster is None:
        raise click.UsageError("Name a cluster, or give --crd.")
    (config,) = clusters_named(read_fleet(fleet), (cluster,))
    proposal = proposal_of(config, SnapshotStore(snapshots), at)
    manifest = proposal.manifest(config.name, config.management.namespace)
    _print(manifest, as_json=as_json, text=_yaml(manifest))
    for line in proposal.left_out:
        err().print(f"left out: {line}", soft_wrap=True)
    return EXIT_ATTENTION if proposal.left_out else EXIT_OK


def crd_text() -> str:
    """The CustomResourceDefinition, as it is delivered."""
    return files("replank.controllers").joinpath("deploy/crd.yaml").read_text(encoding="utf-8")


def proposal_of(config: ClusterConfig, store: SnapshotStore, at: datetime) -> Proposal:
    """By the newest snapshot. Raises `Refused` RP003 (there is none) and RP763."""
    from replank.migrations.takeover.checks import audit_takeover
    from replank.migrations.takeover.planner import plan_takeover
    from replank.migrations.takeover.settings import settings_from

    _, snapshot = store.latest(config.name)
    plan = plan_takeover(
        snapshot, settings_from(config), audit_takeover(snapshot, audit_settings(config, at))
    )
    return propose(snapshot, plan)


def _print(document: object, *, as_json: bool, text: str) -> None:
    if as_json:
        print_json(document)
    else:
        click.echo(text, nl=False)


def _yaml(document: object) -> str:
    yaml = YAML()
    yaml.default_flow_style = False
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()
