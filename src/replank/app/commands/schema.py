"""`replank schema`."""

from __future__ import annotations

import click

from replank.app.console import print_json


@click.command("schema")
@click.argument("what", type=click.Choice(["snapshot"]))
def command(what: str) -> None:
    """Print the JSON schema of a snapshot (after decompression: `zcat FILE`)."""
    from replank.inventory.facts.codec import json_schema

    print_json({"snapshot": json_schema}[what]())
