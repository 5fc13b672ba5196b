"""`replank resume`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option, reports_option


@click.command("resume")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@click.option("--take-over", is_flag=True, help="Take the cluster from a holder that is known to be gone.")
@reports_option
@json_option
def command(run: str, fleet: Path, journal: str | None, take_over: bool, reports: Path, as_json: bool) -> int:
    """Go on with RUN where it stands, in the direction and to the stage it was last told.

    RUN: an ID, its beginning, or a cluster. The systems are those of the fleet file that the run began with.

    Exit status: 0 the run is there, 2 it waits (paused, an approval is needed), 1 it was refused or failed.
    """
    from replank.app.going_on import go_on
    from replank.app.outcome import exit_status, show_results
    from replank.app.wiring import wiring

    result = asyncio.run(
        go_on(wiring(), journal_url(journal, fleet), run, reports=reports, take_over=take_over)
    )
    show_results([result], as_json=as_json)
    return exit_status([result])
