"""Where runs stand, a row a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from replank.journal.event import Direction
from replank.journal.state import RunStatus
from replank.report.terminal.layout import say, table

_STYLES = {
    "running": "bold",
    "done": "green",
    "undone": "green",
    "refused": "bold red",
    "paused": "yellow",
    "waiting-for-approval": "yellow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """`stage`, `step`: where it is at work, "" = nowhere. `done`, `steps`: of the direction it goes in.
    `why`: what it waits for or was refused for. `held`: a step is on hold. `left`: it should be running, and
    no process is at work on it. `at`: ISO 8601 of the last event. `understood`: False for a run that another
    version of replank wrote."""

    run: str
    cluster: str
    status: RunStatus
    direction: Direction
    stage: str
    step: str
    done: int
    steps: int
    why: str
    held: bool
    at: str
    holder: str
    understood: bool = True
    left: bool = False

    @property
    def word(self) -> str:
        """The status as people say it."""
        if not self.understood:
            return "of another version"
        if self.left:
            return "left"
        if self.status == "running":
            return ("undoing" if self.direction == "undo" else "applying") + (
                ", on hold" if self.held else ""
            )
        return self.status.replace("-", " ")


def status_view(rows: Sequence[RunRow]) -> RenderableType:
    """All rows, in the order given."""
    if not rows:
        return say("The journal has no runs.")
    columns = ("Cluster", "Run", "Status", "Steps", "Where", "Last event")
    return table(columns, [_cells(row) for row in rows])


def _cells(row: RunRow) -> tuple[str | Text, ...]:
    where = row.step or row.stage
    style = "yellow" if row.held or row.left else _STYLES.get(row.status, "")
    return (
        row.cluster,
        row.run,
        say(row.word, style),
        f"{row.done}/{row.steps}" if row.understood else "",
        "\n".join(part for part in (where, row.why) if part),
        row.at,
    )
