"""The few shapes that all terminal views are built of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from replank.report.words import printable

SEVERITY_STYLE = {"blocker": "bold red", "risk": "yellow", "note": "cyan"}


def say(text: str, style: str = "") -> Text:
    """Text as it is: no markup in it is obeyed, no control character reaches the terminal."""
    return Text(printable(text), style=style)


def heading(text: str) -> Text:
    """A heading; without colours its capitals and the blank line above still show it."""
    return say(text.upper(), "bold")


def section(title: str, *parts: RenderableType) -> Group:
    """A heading with its parts indented below, and a blank line above. Nothing if there are no parts."""
    if not parts:
        return Group()
    return Group(Text(""), heading(title), *(Padding(part, (0, 0, 0, 2)) for part in parts))


def bullets(items: Iterable[str | Text], mark: str = "-") -> Table:
    """Lines that wrap under their own beginning, not under the mark."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for item in items:
        grid.add_row(mark, say(item) if isinstance(item, str) else item)
    return grid


def labelled(rows: Iterable[tuple[str, str]]) -> Table:
    """`label  text` rows with an even left column."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, text in rows:
        grid.add_row(label, say(text))
    return grid


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table with a rule under its head. Long words are folded, never cut."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        result.add_column(column, overflow="fold")
    for row in rows:
        result.add_row(*(say(cell) if isinstance(cell, str) else cell for cell in row))
    return result
