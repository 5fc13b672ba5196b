"""`replank schema`."""

from __future__ import annotations

import click

from replank.app.console import print_json


@click.command("schema")
@click.argument("what", type=click.Choice(["snapshot", "plan"]))
def command(what: str) -> None:
    """Print the JSON schema of a snapshot (after decompression: `zcat FILE`) or of a plan."""
    from replank.inventory.facts import codec as snapshots
    from replank.plan import codec as plans

    print_json((snapshots if what == "snapshot" else plans).json_schema())
