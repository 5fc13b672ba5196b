"""`replank log`."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import click

from replank.app.cli import EXIT_OK
from replank.app.console import out
from replank.app.journals import journal_option, journal_url
from replank.app.options import fleet_option
from replank.app.runs import chosen_run, plan_of
from replank.journal.event import Event
from replank.plan.codec import AnyPlan


@click.command("log")
@click.argument("run", metavar="RUN")
@fleet_option
@journal_option
@click.option("--follow", is_flag=True, help="Go on until the run is at rest.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout, a line an event.")
def command(run: str, fleet: Path, journal: str | None, follow: bool, as_json: bool) -> int:
    """Print what happened in RUN, oldest first. RUN: an ID, its beginning, or a cluster.

    Checks that pass are left out; `--json` has every event whole.
    """
    asyncio.run(_log(run, journal_url(journal, fleet), follow=follow, as_json=as_json))
    return EXIT_OK


async def _log(named: str, url: str, *, follow: bool, as_json: bool) -> None:
    from replank.app.follow import follow_to_rest
    from replank.app.wiring import wiring

    async with wiring().journal(url) as journal:
        run = chosen_run(await journal.runs(), named)
        plan = plan_of(run)
        if not follow:
            for event in await journal.events(run.id):
                _show(event, plan, as_json)
            return
        async for event in follow_to_rest(journal, run.id):
            _show(event, plan, as_json)


def _show(event: Event, plan: AnyPlan, as_json: bool) -> None:
    from replank.report.terminal.event_lines import event_line

    if as_json:
        click.echo(json.dumps(asdict(event), ensure_ascii=False))
    elif (line := event_line(event, plan)) is not None:
        out().print(line, soft_wrap=True)
