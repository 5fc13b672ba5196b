"""kill -9 after every change of the world and after every line of the journal that says more than a look."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from replank.testbed.simulation.explore import Outcome, explore
from replank.testbed.simulation.faults import READS
from replank.testbed.simulation.scenario import Ending, Scenario

CHUNKS = 8
# A look that was journaled (check, hold, retry) leaves world and run as they were before it.
LOOKS = ("journal.check", "journal.hold", "journal.retry", "journal.step-started")
VOLATILE = re.compile(
    r"uid|creationTimestamp|lastTransitionTime|resourceVersion|generation|observedGeneration|revision_number"
)


@cache
def undisturbed(ending: Ending) -> Outcome:
    return explore(Scenario(seed=3, ending=ending))


def points(ending: Ending) -> list[int]:
    """Numbers of the calls that change something."""
    found = []
    for number, name in enumerate(undisturbed(ending).points):
        method = name.partition("(")[0]
        if method not in LOOKS and method.partition(".")[2] not in READS:
            found.append(number)
    return found


def settled(value: Any, key: str = "") -> Any:
    """A picture without what differs between two equal takeovers: times, uids, made secrets and IDs."""
    if isinstance(value, dict):
        if value.get("kind") == "Secret":
            return sorted(value.get("data", {}))
        return {k: settled(v, k) for k, v in value.items() if not VOLATILE.fullmatch(k)}
    if isinstance(value, list):
        return [settled(item) for item in value]
    return value


def test_the_plan_gives_many_points() -> None:
    applied = points("settled")
    print(f"{len(applied)} points of an apply, {len(points('settled-undone'))} with its undo")
    assert len(applied) > 3 * 39


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_killed_anywhere_in_an_apply_it_ends_the_same(chunk: int) -> None:
    expected = settled(undisturbed("settled").picture)
    for number in points("settled")[chunk::CHUNKS]:
        outcome = explore(Scenario(seed=3, ending="settled", faults={number: "death-after"}))
        name = undisturbed("settled").points[number]
        assert outcome.wrong == [], f"killed after point {number} {name}"
        assert settled(outcome.picture) == expected, f"killed after point {number} {name}"
        made = [p for p in outcome.points if p.startswith("cloud.create_application_credential")]
        assert len(made) == len(set(made)) or name in made, f"killed after point {number} {name}"


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_killed_anywhere_in_an_undo_nothing_is_left(chunk: int) -> None:
    """Every eighth point: an undo costs twice an apply."""
    start = len(undisturbed("settled").points)
    undoing = [number for number in points("settled-undone") if number >= start]
    for number in undoing[::8][chunk::CHUNKS]:
        outcome = explore(Scenario(seed=3, ending="settled-undone", faults={number: "death-after"}))
        name = undisturbed("settled-undone").points[number]
        assert outcome.wrong == [], f"killed after point {number} {name}"
