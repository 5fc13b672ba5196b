"""`replank init`."""

from __future__ import annotations

from pathlib import Path

import click

from replank.app.console import err
from replank.app.fleet_file import read_fleet
from replank.app.store import write_private
from replank.domain.errors import Refused


@click.command("init")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder to look for state files, clouds.yaml and kubeconfigs in.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("fleet.yaml"),
    show_default=True,
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def command(source: Path | None, out: Path, force: bool) -> None:
    """Write a commented fleet.yaml, filled with what can be found."""
    from replank.inventory.fleet.draft import draft_fleet
    from replank.inventory.fleet.found import Found

    if out.exists() and not force:
        raise Refused(
            "RP007",
            "The fleet file is there already",
            "init does not overwrite what a person may have edited",
            "Choose another name with --out, or give --force.",
            where=str(out),
        )
    if source is None:
        found = Found(folder="")
    else:
        from replank.transports.terraform.discover import discover

        found = discover(source, base=out.absolute().parent)
    write_private(out, draft_fleet(found).encode())
    fleet = read_fleet(out)
    err().print(
        f"{out}: {len(fleet.clusters)} clusters. Read it, complete it, then: replank survey", highlight=False
    )
