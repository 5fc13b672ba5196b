"""Stages and steps in the terminal, one line a step."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from replank.plan.model import Irreversible, Plan, Step
from replank.report.headline import points_of_no_return
from replank.report.terminal.layout import bullets, say, section
from replank.report.words import count

_RUN = 6
"""Steps of one kind in a row beyond which the terminal shows the first two and the number of the rest."""


def points_section(plan: Plan) -> Group:
    """The points of no return; says so if there are none."""
    points = points_of_no_return(plan)
    if not points:
        return section("Points of no return", say("None: every step has an undo."))
    items = [
        Text.assemble((say(step).plain, "bold red"), ": ", say(why).plain) for step, why in points.items()
    ]
    return section(f"Points of no return ({len(points)})", bullets(items, mark="!"))


def stages_section(plan: Plan) -> Group:
    """Every stage with its steps. Marks: `undo`, `LOSSY undo` (it brings not everything back), `NO UNDO`."""
    points = points_of_no_return(plan)
    parts: list[RenderableType] = []
    for number, stage in enumerate(plan.stages, 1):
        steps = count(len(stage.steps), "step")
        parts.append(Text.assemble((say(f"{number}. {stage.title}").plain, "bold"), (f"  {steps}", "dim")))
        parts.append(Padding(say(stage.says), (0, 0, 0, 3)))
        parts.append(_steps(stage.steps, points))
        parts.append(Padding(say(f"At rest: {stage.rest}", "dim"), (0, 0, 0, 3)))
    return section("Stages and steps (stopping between two stages is safe)", *parts)


def _steps(steps: tuple[Step, ...], points: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=2)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    number = 0
    # A step that a person must agree to, or that has no way back, never hides in a run.
    for (kind, special), run in groupby(steps, key=lambda s: (s.kind, bool(s.approval) or s.id in points)):
        alike = list(run)
        shown = alike if special or len(alike) <= _RUN else alike[:2]
        for step in shown:
            number += 1
            grid.add_row("", str(number), _mark(step, points), _says(step))
        if hidden := len(alike) - len(shown):
            number += hidden
            grid.add_row("", "...", _mark(alike[-1], points), say(f"and {hidden} more of kind {kind}", "dim"))
    return grid


def _mark(step: Step, points: dict[str, str]) -> Text:
    if isinstance(step.undo, Irreversible):
        return Text("NO UNDO", style="bold red")
    return Text("LOSSY undo", style="bold red") if step.id in points else Text("undo", style="green")


def _says(step: Step) -> Text:
    text = say(step.says)
    return text.append(say(f" [asks approval: {step.approval}]", "bold")) if step.approval else text
