"""Numbered lines are counted as they are: gaps, doubles and lines within other text are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proving_ground.scenario import line_count
from proving_ground.scenario.line_count import Count, counts_of

START = "steady-a1"


def counted(folder: Path, bodies: list[str], written: dict[str, int], *, cut: str = "") -> list[Count]:
    collected = folder / "lines.json"
    collected.write_text("".join(json.dumps({"body": body}) + "\n" for body in bodies) + cut)
    return counts_of(line_count.count(collected, written), written)


def lines(*numbers: int) -> list[str]:
    return [f"{START} {number}" for number in numbers]


def test_each_line_once_is_nothing_to_tell(tmp_path: Path) -> None:
    bodies = [*lines(2, 1), *(f"{text}\n" for text in lines(3))]
    assert counted(tmp_path, bodies, {START: 3}) == [Count(START, 3)]


@pytest.mark.parametrize(
    ("numbers", "gaps", "missing", "twice"),
    [
        ((), ((1, 5),), 5, 0),
        ((2, 3), ((1, 1), (4, 5)), 3, 0),
        ((1, 2, 2, 3, 4, 5, 5, 5), (), 0, 2),
        ((1, 5, 6, 7), ((2, 4),), 3, 0),
        ((7,), ((1, 5),), 5, 0),
    ],
)
def test_gaps_and_doubles_are_counted_up_to_what_was_written(
    tmp_path: Path, numbers: tuple[int, ...], gaps: tuple[tuple[int, int], ...], missing: int, twice: int
) -> None:
    (found,) = counted(tmp_path, lines(*numbers), {START: 5})
    assert found == Count(START, 5, gaps, twice)
    assert found.missing == missing


def test_a_line_within_other_text_is_missing_and_torn(tmp_path: Path) -> None:
    bodies = [*lines(1), f"2026-11-26T10:11:12Z stdout F {START} 2", "of nobody's 3", "other-b2 4"]
    assert counted(tmp_path, bodies, {START: 2}) == [Count(START, 2, ((2, 2),), torn=1)]


def test_a_record_that_is_being_written_does_not_count_yet(tmp_path: Path) -> None:
    cut = json.dumps({"body": f"{START} 2"})
    assert counted(tmp_path, lines(1), {START: 2}, cut=cut)[0].missing == 1


def test_an_agent_that_has_collected_nothing_misses_all(tmp_path: Path) -> None:
    found = line_count.count(tmp_path / "none.json", {START: 9, "heavy-b2": 0})
    assert [(c.writer, c.missing) for c in counts_of(found, {START: 9, "heavy-b2": 0})] == [
        ("heavy", 0),
        ("steady", 9),
    ]
