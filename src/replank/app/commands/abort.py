"""`replank abort`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import err
from replank.app.holder import holder
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option
from replank.app.runs import chosen_run, require_in_work, standing
from replank.ports.journal import Run


@click.command("abort")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(run: str, fleet: Path, journal: str | None, yes: bool) -> int:
    """Give RUN up where it stands: it is never resumed, and nothing is undone.

    RUN: an ID, its beginning, or a cluster. `replank undo RUN` still gives the cluster back.
    """
    given_up = asyncio.run(_abort(run, journal_url(journal, fleet), yes=yes))
    if given_up is None:
        err().print("Nothing was changed.")
        return EXIT_ATTENTION
    err().print(
        f"{given_up.cluster}: run {given_up.id} is given up. Give back: replank undo {given_up.id}",
        highlight=False,
    )
    return EXIT_OK


async def _abort(named: str, url: str, *, yes: bool) -> Run | None:
    from replank.app.asking import confirmed
    from replank.app.wiring import wiring

    world = wiring()
    async with world.runner(url) as runner:
        run = chosen_run(await runner.journal.runs(), named)
        require_in_work(await standing(runner.journal, run), "abort")
        question = f"Give up run {run.id} of cluster {run.cluster} where it stands?"
        if not await confirmed(world.ask(), question, yes=yes):
            return None
        await runner.abort(run.id, holder())
        return run
