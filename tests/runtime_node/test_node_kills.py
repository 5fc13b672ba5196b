"""Killed at every program, journal entry and file; then anything may come next. It always ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from node_runs import Runs

from replank.migrations.runtime_swap.node import swap_node

BOTH = ["in-place", "switch"]
Make = Callable[[str], Runs]
Next = Callable[[Runs], dict[str, Any]]


def again(command: str) -> Next:
    return lambda node: node.do(command)


def after_reboot(node: Runs) -> dict[str, Any]:
    """The machine boots; the unit at boot runs if it is enabled, and what it starts runs."""
    node.reboot()
    if node.world.units.get(swap_node.RESUME_UNIT, {}).get("enabled") == "enabled":
        node.do("resume")
    words = node.world.transient.pop(swap_node.RUN_UNIT, None)
    if words:
        return node.do(words[-1])
    return node.do("run")


NEXT_OF_RUN: dict[str, Next] = {
    "run": again("run"),
    "undo": again("undo"),
    "deadline": again("deadline"),
    "reboot": after_reboot,
    "reboot, undo": lambda node: (node.reboot(), node.do("undo"))[1],
    "reboot, deadline": lambda node: (node.reboot(), node.do("deadline"))[1],
}


def killed(runs: Make, strategy: str, before: list[str], command: str) -> Iterator[tuple[Runs, int, str]]:
    """A node for each point of `command`, on which it was killed there."""
    for number in count():
        node = runs(strategy)
        for one in before:
            node.do(one)
        point = node.killed_at(command, number)
        if not point:
            assert number > 20
            return
        yield node, number, point


def assert_at_an_end(node: Runs, seen: dict[str, Any], where: str) -> None:
    assert seen["outcome"] in ("swapped", "undone"), (where, seen)
    if seen["outcome"] == "swapped":
        node.assert_swapped()
    else:
        node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
@pytest.mark.parametrize("turn", [0, 1, 2])
def test_run_killed_anywhere_ends_swapped_or_undone(runs: Make, strategy: str, turn: int) -> None:
    """Each point with three of the six things that can come next, its neighbours with the other three."""
    names = list(NEXT_OF_RUN)
    for node, number, point in killed(runs, strategy, ["stage", "start"], "run"):
        name = names[(number + 2 * turn + number // 4) % len(names)]
        seen = NEXT_OF_RUN[name](node)
        if seen["outcome"] == "staged":  # killed before anything was touched
            assert "deadline" in name or name == "reboot"
            seen = node.do("undo")
        assert_at_an_end(node, seen, f"{number} {point}, then {name}: {node.base}")
        assert seen["outcome"] == "undone" or "undo" not in name
        node.assert_nothing_armed()
        if name == "run":  # killed in the middle and gone on with: the originals are still the originals
            assert node.do("undo")["outcome"] == "undone"
            node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_undo_killed_anywhere_ends_undone(runs: Make, strategy: str) -> None:
    """Killed, gone on with, killed again further on, and gone on with in another way."""
    ways = [again("undo"), again("run"), after_reboot, again("deadline")]
    for node, number, point in killed(runs, strategy, ["stage", "start", "run"], "undo"):
        started = node.seen()["outcome"] == "undoing"
        if started and number % 3 == 0:
            node.killed_at("undo", number // 2)
        seen = ways[number % len(ways)](node)
        where = f"{number} {point}: {node.base}"
        if not started:  # nothing of the way back was written down: the node is what it was
            assert seen["outcome"] in ("swapped", "undone"), where
            seen = node.do("undo")
        assert seen["outcome"] == "undone", (where, seen)
        node.assert_undone()
        node.assert_nothing_armed()


@pytest.mark.parametrize("strategy", BOTH)
def test_staging_killed_anywhere_goes_on_or_is_undone(runs: Make, strategy: str) -> None:
    for node, number, point in killed(runs, strategy, [], "stage"):
        where = f"{number} {point}: {node.base}"
        if number % 2:
            assert node.do("stage")["outcome"] == "staged", where
            assert node.do("run")["outcome"] == "swapped", where
            node.assert_swapped()
            continue
        seen = node.do("undo" if number % 4 else "run")
        if seen["attempt"]:
            assert seen["outcome"] == "undone", (where, seen)
        node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_commit_killed_anywhere_is_finished_by_the_next(runs: Make, strategy: str) -> None:
    for node, number, point in killed(runs, strategy, ["stage", "start", "run"], "commit"):
        where = f"{number} {point}: {node.base}"
        assert node.seen()["outcome"] in ("swapped", "committed"), where
        if number % 3 == 0:
            node.reboot()
        seen = node.do("commit")
        assert seen["outcome"] == "committed", (where, seen)
        node.assert_swapped()
        assert not node.world.unit_file(swap_node.RESUME_UNIT).exists()


def test_node_that_reboots_again_and_again_in_the_switch_ends_all_the_same(runs: Make) -> None:
    for number in range(40, 200, 13):
        node = runs("switch")
        node.do("stage")
        node.do("start")
        node.killed_at("run", number)
        for more in (number // 2, number // 3):
            node.reboot()
            node.killed_at("resume", 4)
            node.killed_at("run", more)
        seen = after_reboot(node)
        assert_at_an_end(node, seen, f"{number}: {node.base}")
        node.assert_nothing_armed()
