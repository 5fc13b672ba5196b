"""`replank report`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from replank.app.cli import EXIT_OK
from replank.app.console import err, print_json
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option, json_option, reports_option


@click.command("report")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@reports_option
@json_option
def command(run: str, fleet: Path, journal: str | None, reports: Path, as_json: bool) -> int:
    """Write the report of RUN as a page and as JSON. RUN: an ID, its beginning, or a cluster."""
    page, data = asyncio.run(_write(run, journal_url(journal, fleet), reports))
    err().print(f"report: {page}", highlight=False, markup=False)
    if as_json:
        print_json(data)
    return EXIT_OK


async def _write(named: str, url: str, reports: Path) -> tuple[Path, object]:
    from replank.app.run_reports import as_dict, report_of, write_report
    from replank.app.runs import chosen_run
    from replank.app.wiring import wiring

    async with wiring().journal(url) as journal:
        run = chosen_run(await journal.runs(), named)
        report = await report_of(journal, run.id)
    return write_report(report, reports), as_dict(report)
