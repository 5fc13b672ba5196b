"""What differs between two snapshots or two plans, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.console import Group, RenderableType
from rich.text import Text

from replank.report.terminal.layout import bullets, say, section
from replank.report.words import count


class SomeChange(Protocol):
    """A change of a plan or of a snapshot. `area`: what it is grouped under; `subject`: the thing."""

    @property
    def area(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def says(self) -> str: ...


def diff_view(changes: Sequence[SomeChange]) -> RenderableType:
    """Changes by area, in the order given."""
    if not changes:
        return say("Nothing differs.")
    areas: dict[str, list[SomeChange]] = {}
    for change in changes:
        areas.setdefault(change.area, []).append(change)
    return Group(
        say(count(len(changes), "difference"), "bold"),
        *(section(f"{area} ({len(found)})", bullets(map(_line, found))) for area, found in areas.items()),
    )


def _line(change: SomeChange) -> Text:
    if not change.subject:
        return say(change.says)
    return Text.assemble((say(change.subject).plain, "bold"), ": ", say(change.says).plain)
