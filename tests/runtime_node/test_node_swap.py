"""A swap that goes well, and back, and forward again; and what the node's code refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from node_runs import Runs

BOTH = ["in-place", "switch"]
Make = Callable[[str], Runs]


@pytest.mark.parametrize("strategy", BOTH)
def test_check_passes_and_changes_nothing(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    seen = node.do("check")
    assert seen["ok"], seen["checks"]
    assert seen["outcome"] == ""
    node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_staging_leaves_what_serves_alone(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    before = [dict(c) for c in [*node.world.docker, *node.world.cri]]
    assert node.do("stage")["outcome"] == "staged"
    assert [dict(c) for c in [*node.world.docker, *node.world.cri]] == before
    assert not [line for line in node.world.spawned if "kubelet" in line and "show" not in line]


@pytest.mark.parametrize("strategy", BOTH)
def test_staging_can_be_undone_wholly(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    node.do("stage")
    assert node.do("unstage")["outcome"] == "undone"
    node.assert_undone()


@pytest.mark.parametrize("strategy", BOTH)
def test_node_is_swapped_and_back_and_swapped_again(runs: Make, strategy: str) -> None:
    node = runs(strategy)
    for _ in range(2):
        node.do("stage")
        assert node.do("run")["outcome"] == "swapped"
        node.assert_swapped()
        node.assert_nothing_armed()
        assert node.do("undo")["outcome"] == "undone"
        node.assert_undone()
    node.do("stage")
    seen = node.do("run")
    assert (seen["outcome"], seen["attempt"]) == ("swapped", 3)
    assert seen["window_seconds"] > 0
