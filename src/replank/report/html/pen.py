"""The pen that draws a plan: the plan at one time, and how far down the sheet it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.plan.takeover import Ownership, TakeoverPlan
from replank.report.html.shapes import BADGE, Label, Rect, Sheet, fitted
from replank.report.words import owner_word

When = Literal["before", "after"]

WIDTH: Final = 540
MARGIN: Final = 8
COLUMNS: Final = 3
GAP: Final = 12
PADDING: Final = 4
"""Between a group's frame and the servers in it, at the sides; frames side by side are 4 apart."""
CELL: Final = (WIDTH - 2 * MARGIN - 2 * PADDING - (COLUMNS - 1) * GAP) / COLUMNS
"""Width of the box of one server."""


@dataclass(slots=True)
class Pen:
    """The plan seen at one time, and what is drawn so far. `y`: where the next part begins."""

    plan: TakeoverPlan
    when: When
    owners: dict[str, Ownership]
    sheet: Sheet
    y: float = MARGIN

    def owner(self, resource: str) -> str:
        """Who owns the resource of this ID at this time; `unknown` is not `nobody`."""
        known = self.owners.get(resource)
        if known is None:
            return "unknown"
        return known.before if self.when == "before" else known.after

    def box(self, x: float, y: float, width: float, height: float, text: str, owner: str, style: str) -> None:
        """A box with the owner's letter and one line of text."""
        self.sheet.rects.append(
            Rect(x, y, width, height, f"{style} own-{owner}", f"{text}: {owner_word(owner)}")
        )
        middle = y + height / 2
        self.sheet.badge(x + 6, middle - BADGE / 2, owner)
        shown = fitted(text, width - BADGE - 18)
        self.sheet.labels.append(Label(x + BADGE + 11, middle + 3.5, shown))
