"""A run that is there already: on with it, or back."""

from __future__ import annotations

from pathlib import Path

from replank.app.asking import confirmed
from replank.app.campaign import Result
from replank.app.carrying import carrying
from replank.app.console import err
from replank.app.earlier import refuse_out_of_order
from replank.app.fleet_file import read_fleet
from replank.app.runs import (
    Standing,
    chosen_run,
    newest_of_each,
    require_in_work,
    stage_named,
    standing,
)
from replank.app.wiring import Wiring
from replank.journal.event import Direction
from replank.report.words import count


async def go_on(wiring: Wiring, url: str, named: str, *, reports: Path, take_over: bool) -> Result:
    """In the direction and to the goal that it was last told. Raises `Refused` RP809, RP856."""
    found = await _found(wiring, url, named)
    require_in_work(found, "resume")
    return await _carry(
        wiring, url, found, found.state.direction, found.goal, reports=reports, take_over=take_over
    )


async def give_back(
    wiring: Wiring, url: str, named: str, *, to: str, yes: bool, reports: Path, take_over: bool
) -> Result:
    """Undone down to, but without, stage `to` ("" = all). Raises `Refused` RP806, RP809, RP855, RP886."""
    async with wiring.journal(url) as journal:
        found = await standing(journal, chosen_run(await journal.runs(), named))
        refuse_out_of_order(found, await newest_of_each(journal, found.run.cluster))
    stage_named(found.plan, to)
    started = [step_id for step_id, step in found.state.steps.items() if step.started]
    down = f", down to stage {to}" if to else ""
    steps = count(len(started), "begun step")
    question = f"Undo run {found.run.id} of cluster {found.run.cluster}, {steps}{down}?"
    if not await confirmed(wiring.ask(), question, yes=yes):
        err().print("Nothing was begun.")
        return Result(cluster=found.run.cluster, ending="not-begun", run_id=found.run.id)
    return await _carry(wiring, url, found, "undo", to, reports=reports, take_over=take_over)


async def _found(wiring: Wiring, url: str, named: str) -> Standing:
    async with wiring.journal(url) as journal:
        return await standing(journal, chosen_run(await journal.runs(), named))


async def _carry(
    wiring: Wiring,
    url: str,
    found: Standing,
    direction: Direction,
    goal: str,
    *,
    reports: Path,
    take_over: bool,
) -> Result:
    fleet = read_fleet(Path(found.run.fleet))
    async with carrying(wiring, url, fleet, reports, take_over=take_over) as work:
        return await work.go(found.run.id, found.plan, direction=direction, goal=goal)
