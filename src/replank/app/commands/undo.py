"""`replank undo`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option, reports_option


@click.command("undo")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@click.option("--to", default="", metavar="STAGE", help="Undo what came after this stage; it stays done.")
@click.option("--yes", is_flag=True, help="Begin without asking.")
@click.option("--take-over", is_flag=True, help="Take the cluster from a holder that is known to be gone.")
@reports_option
@json_option
def command(
    run: str,
    fleet: Path,
    journal: str | None,
    to: str,
    yes: bool,
    take_over: bool,
    reports: Path,
    as_json: bool,
) -> int:
    """Give RUN's cluster back: every step undone, the last first, as the journal found it.

    RUN: an ID, its beginning, or a cluster. Steps without an undo are passed over, and named.

    Exit status: 0 undone, 2 it waits (paused) or was not begun, 1 it was refused or failed.
    """
    from replank.app.going_on import give_back
    from replank.app.outcome import exit_status, show_results
    from replank.app.wiring import wiring

    url = journal_url(journal, fleet)
    result = asyncio.run(give_back(wiring(), url, run, to=to, yes=yes, reports=reports, take_over=take_over))
    show_results([result], as_json=as_json)
    return exit_status([result])
