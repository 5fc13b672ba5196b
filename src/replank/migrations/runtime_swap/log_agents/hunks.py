"""The edited places of a text: enough to put them back, and nothing of the text besides.

A configuration may hold secrets, so that its text is never kept. Of the lines around a place only the masked
form is, which people see in the diff anyway.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from replank.migrations.runtime_swap.log_agents.shown import masked

_AROUND: Final = 2

Stands = Literal["changed", "as-before", "otherwise"]
"""A place as it is now: as the remedy left it, as it was before the remedy, or neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunk:
    """One place. `before_line`, `after_line`: where it begins in the text before and after, from 0. `before`,
    `after`: its lines with their ends. `above`, `below`: masked lines around it, without ends.
    """

    before_line: int
    after_line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    above: tuple[str, ...]
    below: tuple[str, ...]


def hunks(before: str, after: str) -> tuple[Hunk, ...]:
    """The places in which two texts differ."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    seen = masked(after)
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    found = []
    for index, (tag, i1, i2, j1, j2) in enumerate(blocks):
        if tag == "equal":
            continue
        above = blocks[index - 1] if index else (tag, i1, i1, j1, j1)
        below = blocks[index + 1] if index + 1 < len(blocks) else (tag, i2, i2, j2, j2)
        found.append(
            Hunk(
                before_line=i1,
                after_line=j1,
                before=tuple(old[i1:i2]),
                after=tuple(new[j1:j2]),
                above=tuple(seen[max(above[3], j1 - _AROUND) : j1]),
                below=tuple(seen[j2 : min(below[4], j2 + _AROUND)]),
            )
        )
    return tuple(found)


def look_secret(before: str, after: str) -> bool:
    """Whether a line that a remedy takes away or writes may hold a secret, so that it must not be kept."""
    return any(
        masked(text)[line + offset] != said.rstrip("\r\n")
        for hunk in hunks(before, after)
        for text, line, lines in (
            (before, hunk.before_line, hunk.before),
            (after, hunk.after_line, hunk.after),
        )
        for offset, said in enumerate(lines)
    )


def stands(text: str, places: Sequence[Hunk]) -> Stands:
    """How a text stands to what a remedy did."""
    if _holds(text, [(hunk.after_line, hunk.after, hunk) for hunk in places]):
        return "changed"
    if _holds(text, [(hunk.before_line, hunk.before, hunk) for hunk in places]):
        return "as-before"
    return "otherwise"


def taken_back(text: str, places: Sequence[Hunk]) -> str:
    """The text with every place as it was before. Needs a text that stands `changed`."""
    lines = text.splitlines(keepends=True)
    for hunk in sorted(places, key=lambda hunk: hunk.after_line, reverse=True):
        lines[hunk.after_line : hunk.after_line + len(hunk.after)] = hunk.before
    return "".join(lines)


def _holds(text: str, wanted: Sequence[tuple[int, tuple[str, ...], Hunk]]) -> bool:
    lines, seen = text.splitlines(keepends=True), masked(text)
    for first, said, hunk in wanted:
        last = first + len(said)
        if tuple(lines[first:last]) != said:
            return False
        if tuple(seen[max(0, first - len(hunk.above)) : first]) != hunk.above:
            return False
        if tuple(seen[last : last + len(hunk.below)]) != hunk.below:
            return False
    return True
