"""Programs out of a package: fetched and unpacked, never installed, and taken away wholly."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from node_packages import DEB, WANTED, assert_dpkg_untouched, assert_nothing_left, packaged
from node_plans import NEW, put_plan
from node_runs import Runs

from replank.inventory.hosts.swap_commands import BUNDLE
from replank.migrations.runtime_swap.node import order, swap_node
from replank.testbed.node.bundle import stand_in_deb

BOTH = ["in-place", "switch"]
Make = Callable[[str], Runs]


@pytest.fixture
def made(runs: Make) -> Make:
    return packaged(runs)


@pytest.mark.parametrize("strategy", BOTH)
def test_node_is_swapped_with_programs_of_a_package_and_back_and_again(made: Make, strategy: str) -> None:
    node = made(strategy)
    for _ in range(2):
        assert node.do("check")["ok"]
        assert node.do("stage")["outcome"] == "staged"
        assert not (node.base / "package").exists(), "only the programs stay"
        seen = node.do("run")
        assert seen["outcome"] == "swapped", seen
        node.assert_swapped()
        assert node.do("undo")["outcome"] == "undone"
        assert_nothing_left(node)
    node.do("stage")
    node.do("run")
    assert node.do("commit")["outcome"] == "committed"
    node.assert_swapped()


@pytest.mark.parametrize("strategy", BOTH)
def test_staging_a_package_can_be_undone_wholly(made: Make, strategy: str) -> None:
    node = made(strategy)
    node.do("stage")
    assert_dpkg_untouched(node)
    assert node.do("unstage")["outcome"] == "undone"
    assert_nothing_left(node)


@pytest.mark.parametrize(("strategy", "runc"), [("in-place", False), ("switch", True)])
def test_runc_comes_along_only_for_a_runtime_of_its_own(made: Make, strategy: str, runc: bool) -> None:
    """In place pods of the trial outlive the way back, so that runc stays the node's own."""
    node = made(strategy)
    node.do("stage")
    (folder,) = node.world.path("opt/replank").glob("containerd-*")
    names = {path.name for path in folder.iterdir()}
    assert names == {*BUNDLE, *(["runc"] if runc else [])}
    assert all(path.stat().st_mode & 0o777 == 0o755 for path in folder.iterdir())


@pytest.mark.parametrize("strategy", BOTH)
def test_without_a_network_staging_goes_back_and_says_what_to_do(made: Make, strategy: str) -> None:
    node = made(strategy)
    node.world.offline = True
    seen = node.do("stage")
    assert (seen["outcome"], seen["code"]) == ("undone", "RP491")
    assert f"apt cannot fetch {WANTED}" in seen["why"]
    assert "Could not connect" in seen["why"]
    assert "--bundle" in seen["todo"]
    assert_nothing_left(node)
    node.world.offline = False
    assert node.do("stage")["outcome"] == "staged"


@pytest.mark.parametrize("deb", [stand_in_deb("2.3.4"), b"", DEB + b" "], ids=["other", "empty", "longer"])
def test_a_deb_with_another_hash_is_not_even_unpacked(made: Make, deb: bytes) -> None:
    node = made("in-place")
    node.world.debs = {WANTED: deb}
    seen = node.do("stage")
    assert (seen["outcome"], seen["code"]) == ("undone", "RP491")
    assert "another file" in seen["why"]
    assert "Find out why" in seen["todo"]
    assert not [line for line in node.world.spawned if line.startswith("dpkg-deb")]
    assert_nothing_left(node)


def test_a_package_without_a_program_takes_staging_back(made: Make) -> None:
    node = made("in-place")
    deb = stand_in_deb(NEW, ("containerd", "ctr"))
    node.world.debs = {WANTED: deb}
    node.plan["package"]["sha256"] = swap_node.hashlib.sha256(deb).hexdigest()
    put_plan(node.world, node.plan)
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert "has no program containerd-shim-runc-v2" in seen["why"]
    assert_nothing_left(node)


def test_a_program_that_was_changed_after_staging_is_not_started(made: Make) -> None:
    node = made("in-place")
    node.do("stage")
    (folder,) = node.world.path("opt/replank").glob("containerd-*")
    (folder / "containerd").write_text(f"containerd {NEW}, bent")
    seen = node.do("run")
    assert seen["refused"]["code"] == "RP490"
    assert "has another sha256" in seen["refused"]["why"]
    assert node.do("unstage")["outcome"] == "undone"
    assert_nothing_left(node)


def test_a_folder_that_is_not_ours_is_left_alone(made: Make) -> None:
    node = made("in-place")
    own = node.world.write(f"{node.plan['package']['folder']}/containerd", "somebody's")
    seen = node.do("stage")
    assert seen["outcome"] == "undone"
    assert "exists already" in seen["why"]
    assert own.read_text() == "somebody's"


def points_in_package(node: Runs, command: str) -> list[int]:
    """Numbers of the points of `command` at which the package is being fetched or taken away, and the two
    beside them; the other phases are killed in test_node_kills."""
    near: list[bool] = []

    def hook(point: str) -> None:
        if not point.startswith("before "):
            phases = {phase["name"]: phase["state"] for phase in node.seen()["phases"]}
            left = phases.get("resume-unit") == "done" and phases.get("binaries", "undone") == "undone"
            near.append(left and phases.get("package") != "undone")

    with node.watched(hook):
        node.do(command)
    found = [number for number, inside in enumerate(near) if inside]
    assert len(found) > 2
    return [found[0] - 1, *found, found[-1] + 1]


@pytest.mark.parametrize("strategy", BOTH)
def test_staging_killed_while_a_package_is_fetched_goes_on_or_is_undone(made: Make, strategy: str) -> None:
    for turn, number in enumerate(points_in_package(made(strategy), "stage")):
        node = made(strategy)
        where = f"{number} {node.killed_at('stage', number)}: {node.base}"
        if turn % 2:
            assert node.do("stage")["outcome"] == "staged", where
            assert node.do("run")["outcome"] == "swapped", where
            node.assert_swapped()
        assert node.do("run" if turn % 4 == 0 else "undo")["outcome"] == "undone", where
        assert_nothing_left(node)


@pytest.mark.parametrize("strategy", BOTH)
def test_undo_killed_while_a_package_is_taken_away_ends_undone(made: Make, strategy: str) -> None:
    def swapped() -> Runs:
        node = made(strategy)
        node.do("stage")
        assert node.do("run")["outcome"] == "swapped"
        return node

    for number in points_in_package(swapped(), "undo"):
        node = swapped()
        where = f"{number} {node.killed_at('undo', number)}: {node.base}"
        assert node.do("undo")["outcome"] == "undone", where
        assert_nothing_left(node)


@pytest.mark.parametrize("strategy", BOTH)
def test_every_single_command_of_fetching_may_fail(made: Make, strategy: str) -> None:
    for pattern in ("download", "dpkg-deb -x"):
        for how in ("fail", "hang"):
            node = made(strategy)
            node.world.faults = {pattern: how}
            seen = node.do("stage")
            assert (seen["outcome"], seen["code"]) == ("undone", "RP491"), (pattern, how, seen)
            assert seen["todo"]
            assert_nothing_left(node)


def test_order_with_a_package_is_written_and_read_again_and_one_without_names_none(made: Make) -> None:
    plan = made("switch").plan
    text = order.to_json(order.from_json(json.dumps(plan).encode(), where="test"))
    read = order.from_json(text, where="test")
    assert read.package is not None
    assert (read.package.name, read.package.programs, read.package.optional) == (
        "containerd.io",
        BUNDLE,
        ("runc",),
    )
    del plan["package"]
    assert b'"package"' not in order.to_json(order.from_json(json.dumps(plan).encode(), where="test"))
