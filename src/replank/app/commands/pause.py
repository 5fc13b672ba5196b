"""`replank pause`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import err
from replank.app.holder import holder
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option
from replank.app.runs import Standing, chosen_run, require_in_work, standing


@click.command("pause")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
def command(run: str, fleet: Path, journal: str | None) -> int:
    """Ask RUN to pause after its running step, wherever it is carried on.

    RUN: an ID, its beginning, or a cluster. Nothing is undone; `replank resume RUN` goes on.

    Exit status: 0 it was asked, 2 it is not at work anyway, 1 an error.
    """
    found = asyncio.run(_pause(run, journal_url(journal, fleet)))
    name = f"{found.run.cluster}: run {found.run.id}"
    if found.state.status != "running":
        err().print(f"{name} is {found.state.status} already.", highlight=False)
        return EXIT_ATTENTION
    err().print(
        f"{name} pauses after its running step. "
        f"Go on: replank resume {found.run.id}. Give back: replank undo {found.run.id}",
        highlight=False,
    )
    return EXIT_OK


async def _pause(named: str, url: str) -> Standing:
    """The run as it stood before."""
    from replank.app.wiring import wiring

    async with wiring().runner(url) as runner:
        run = chosen_run(await runner.journal.runs(), named)
        found = await standing(runner.journal, run)
        require_in_work(found, "pause")
        await runner.pause(run.id, f"asked by {holder()}")
        return found
