"""`replank status`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replank.app.cli import EXIT_ATTENTION, EXIT_OK
from replank.app.console import out, print_json
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option
from replank.app.runs import chosen_run, standing
from replank.ports.journal import Run, WatchedJournal

if TYPE_CHECKING:
    from replank.report.terminal.status_view import RunRow

_EVERY_S = 1.0


@click.command("status")
@click.argument("run", metavar="[RUN]", required=False)
@fleet_option
@journal_option
@click.option("--all", "every", is_flag=True, help="Every run, not only each cluster's newest.")
@click.option("--watch", is_flag=True, help="Show it again and again while a run is at work.")
@json_option
def command(
    run: str | None, fleet: Path, journal: str | None, every: bool, watch: bool, as_json: bool
) -> int:
    """Say where runs stand: each cluster's newest, or RUN (an ID, its beginning, or a cluster).

    Only the journal is read; no cluster is asked. Exit status: 0 all are well, 2 one needs attention (paused,
    on hold, refused, waiting for an approval, of another version, left by a dead process), 1 an error.
    """
    from replank.app.status_rows import needs_attention

    rows = asyncio.run(_status(journal_url(journal, fleet), run, every=every, watch=watch, as_json=as_json))
    return EXIT_ATTENTION if any(needs_attention(row) for row in rows) else EXIT_OK


async def _status(url: str, named: str | None, *, every: bool, watch: bool, as_json: bool) -> list[RunRow]:
    from rich.live import Live

    from replank.app.status_rows import as_dicts
    from replank.app.wiring import wiring
    from replank.report.terminal.status_view import status_view

    async with wiring().journal(url) as journal:
        rows = await _rows(journal, named, every=every)
        if as_json:
            print_json(as_dicts(rows))
        elif named is not None and not watch:
            await _show_one(journal, rows[0])
        elif not watch:
            out().print(status_view(rows))
        if as_json or not watch:
            return rows
        with Live(status_view(rows), console=out(), auto_refresh=False) as live:
            while any(row.status == "running" and not row.left for row in rows):
                await asyncio.sleep(_EVERY_S)
                rows = await _rows(journal, named, every=every)
                live.update(status_view(rows), refresh=True)
        return rows


async def _show_one(journal: WatchedJournal, row: RunRow) -> None:
    from replank.app.run_reports import report_of
    from replank.report.terminal.run_view import run_view
    from replank.report.terminal.status_view import status_view

    out().print(run_view(await report_of(journal, row.run)) if row.understood else status_view([row]))
    if row.left:
        out().print(f"LEFT: {row.why}.", style="yellow", markup=False)


async def _rows(journal: WatchedJournal, named: str | None, *, every: bool) -> list[RunRow]:
    runs = await journal.runs()
    if named is not None:
        chosen = [chosen_run(runs, named)]
    elif every:
        chosen = list(runs)
    else:
        chosen = list({run.cluster: run for run in runs}.values())
    return [await _row(journal, run) for run in chosen]


async def _row(journal: WatchedJournal, run: Run) -> RunRow:
    from replank.app.status_rows import row_of

    # The lock before and after: in between a process may begin, or write its last line and end.
    before = await journal.worked_on(run.id)
    found = await standing(journal, run)
    return row_of(found, worked_on=before or await journal.worked_on(run.id))
