"""Counts numbered lines in what a log agent has collected. Standard library only: it runs on machines, too,
by `python3 - COLLECTED TALLIES`, and prints JSON (`count`)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LINE = re.compile(r"([a-z]+-[0-9a-z]+) ([0-9]+)")
"""What `numbered-lines` writes: a start's name and a number, from 1."""


def tallies(folder: Path) -> dict[str, int]:
    """Start -> the last number whose write has returned; 0 before the first."""
    return {file.name: int(file.read_text() or 0) for file in sorted(folder.glob("*"))}


def count(collected: Path, written: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Of each start in `written`: `seen` (runs of numbers, first and last), `twice` (how many numbers came
    more than once), `torn` (lines that came within other text)."""
    times = {start: bytearray(last + 2) for start, last in written.items()}
    torn = dict.fromkeys(written, 0)
    for body in _bodies(collected):
        whole = LINE.fullmatch(body)
        found = whole or LINE.search(body)
        if found is None or found[1] not in times:
            continue
        if whole is None:
            torn[found[1]] += 1
            continue
        seen, number = times[found[1]], int(found[2])
        if number >= len(seen):
            seen.extend(bytes(number - len(seen) + 1))
        seen[number] = min(seen[number] + 1, 255)
    return {
        start: {
            "seen": list(_runs(seen)),
            "twice": sum(1 for n in seen if n > 1),
            "torn": torn[start],
        }
        for start, seen in times.items()
    }


@dataclass(frozen=True, slots=True)
class Count:
    """One start of a writer. `gaps`: runs of missing numbers, first and last, up to `written`; `twice`: how
    many numbers came more than once; `torn`: lines that came within other text."""

    start: str
    written: int
    gaps: tuple[tuple[int, int], ...] = ()
    twice: int = 0
    torn: int = 0

    @property
    def missing(self) -> int:
        return sum(last - first + 1 for first, last in self.gaps)

    @property
    def writer(self) -> str:
        return self.start.partition("-")[0]


def counts_of(found: Mapping[str, Mapping[str, object]], written: Mapping[str, int]) -> list[Count]:
    """`found`: of `count`; judged up to the numbers of `written`, which was read before it."""
    return [_count(start, last, found[start]) for start, last in sorted(written.items())]


def _count(start: str, last: int, found: Mapping[str, object]) -> Count:
    runs, twice, torn = (found[key] for key in ("seen", "twice", "torn"))
    assert isinstance(runs, list)
    assert isinstance(twice, int)
    assert isinstance(torn, int)
    gaps, next_ = [], 1
    for first, end in [*runs, (last + 1, last + 1)]:
        if next_ < first and next_ <= last:
            gaps.append((next_, min(first - 1, last)))
        next_ = end + 1
    return Count(start, last, tuple(gaps), twice, torn)


def _bodies(collected: Path) -> Iterator[str]:
    """Docker's records end in a newline, those of CRI do not. The last line may be half written yet."""
    if not collected.exists():
        return
    with collected.open() as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)["body"].removesuffix("\n")


def _runs(seen: bytearray) -> Iterator[tuple[int, int]]:
    first = 0
    for number in range(1, len(seen) + 1):
        here = number < len(seen) and seen[number]
        if here and not first:
            first = number
        elif not here and first:
            yield first, number - 1
            first = 0


if __name__ == "__main__":
    json.dump(count(Path(sys.argv[1]), tallies(Path(sys.argv[2]))), sys.stdout)
