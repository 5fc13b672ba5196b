"""`replank report`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from replank.app.cli import EXIT_OK
from replank.app.console import err, out, print_json
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option, reports_option

if TYPE_CHECKING:
    from replank.report.run.model import RunReport


@click.command("report")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@reports_option
@json_option
def command(run: str, fleet: Path, journal: str | None, reports: Path, as_json: bool) -> int:
    """Write the report of RUN as a page and as JSON. RUN: an ID, its beginning, or a cluster.

    What was measured of a runtime swap is also shown here.
    """
    from replank.app.run_reports import as_dict
    from replank.report.terminal.performance_view import performance_view

    page, report = asyncio.run(_write(run, journal_url(journal, fleet), reports))
    err().print(f"report: {page}", highlight=False, markup=False)
    if as_json:
        print_json(as_dict(report))
    elif report.performance:
        out().print(performance_view(report.performance))
    return EXIT_OK


async def _write(named: str, url: str, reports: Path) -> tuple[Path, RunReport]:
    from replank.app.run_reports import report_of, write_report
    from replank.app.runs import chosen_run
    from replank.app.wiring import wiring

    async with wiring().journal(url) as journal:
        run = chosen_run(await journal.runs(), named)
        report = await report_of(journal, run.id)
    return write_report(report, reports), report
