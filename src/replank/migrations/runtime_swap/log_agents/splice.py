"""Edits of whole lines that leave every other byte as it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class Overlap(ValueError):
    """Two edits that do not know of each other want the same line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """Lines `first` to `last` (from 1, both included) become `lines`. `last` = `first` - 1 inserts before
    `first`.
    """

    first: int
    last: int
    lines: tuple[str, ...]


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with all splices made. New lines end as the text's first line does.

    Raises `Overlap` where two of them touch the same line.
    """
    lines = text.splitlines(keepends=True)
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    taken: set[int] = set()
    ordered = sorted(splices, key=lambda splice: splice.first)
    for splice in ordered:
        touched = set(range(splice.first, splice.last + 1))
        if touched & taken:
            raise Overlap("two splices touch one line")
        taken |= touched
    for splice in reversed(ordered):
        new = [f"{line}{ending}" for line in splice.lines]
        last_is_cut = splice.last >= len(lines) and lines and not lines[-1].endswith(("\n", "\r"))
        if last_is_cut and new:
            if splice.first > len(lines):
                lines[-1] += ending
            new[-1] = new[-1].removesuffix(ending)
        lines[splice.first - 1 : splice.last] = new
    return "".join(lines)


def indentation(text: str, line: int) -> str:
    """The spaces and tabs that a line (from 1) begins with."""
    found = text.splitlines()[line - 1]
    return found[: len(found) - len(found.lstrip(" \t"))]


def indented(block: str, spaces: str) -> tuple[str, ...]:
    """The lines of a block, each moved to the right."""
    return tuple(f"{spaces}{line}" if line else "" for line in block.splitlines())
