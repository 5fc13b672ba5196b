"""A commit gives the old runtime up: what it removes, what it leaves, and what becomes of one that fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from node_plans import NEW, put_plan
from node_runs import Runs

Make = Callable[[str], Runs]


def staged(runs: Make, strategy: str) -> Runs:
    node = runs(strategy)
    assert node.do("stage")["outcome"] == "staged"
    return node


def test_commit_gives_pods_to_come_the_new_shim_and_ends_the_way_back(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.do("run")
    assert node.do("commit")["outcome"] == "committed"
    node.world.pods.append({"uid": "uid-new", "name": "new", "containers": ["new"]})
    node.world.tick()
    assert {c["shim"] for c in node.world.cri if c["uid"] == "uid-new"} == {NEW}
    assert {c["id"]: c["pid"] for c in node.world.cri if c["uid"] != "uid-new"} == node.pids
    assert node.world.path("opt/replank/shim-1.7.29/containerd-shim-runc-v2").exists()
    assert node.do("undo")["refused"]["code"] == "RP499"


def test_commit_that_fails_in_place_leaves_the_node_swapped_with_a_way_back(runs: Make) -> None:
    node = staged(runs, "in-place")
    node.do("run")
    node.world.broken = ["kubelet"]
    tries = iter(range(1000))

    def hook(point: str) -> None:
        if point.startswith("before systemctl restart") and next(tries) == 1:
            node.world.broken = []

    node.world.hook = hook
    seen = node.do("commit")
    assert (seen["outcome"], seen["code"]) == ("swapped", "RP494")
    assert node.do("undo")["outcome"] == "undone"
    node.assert_undone()
    assert {c["id"]: c["pid"] for c in node.world.cri if c["up"]} == node.pids


def test_commit_removes_dockers_containers_and_then_runs_the_plans_commands(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("run")
    node.world.faults = {"apt-get": "fail"}
    seen = node.do("commit")
    assert (seen["outcome"], seen["code"]) == ("swapped", "RP494")
    assert node.do("undo")["refused"]["code"] == "RP499"
    node.world.faults = {}
    assert node.do("commit")["outcome"] == "committed"
    assert not node.world.docker
    assert not node.world.on("docker.service")
    node.assert_swapped()


def test_commit_removes_dockers_data_and_what_is_mounted_below_it(runs: Make) -> None:
    node = staged(runs, "switch")
    node.do("run")
    docker = node.world.path("var/lib/docker")
    node.world.write(
        "proc/self/mounts", f"overlay {docker} x rw 0 0\nshm {docker}/containers/a/shm x rw 0 0\n"
    )
    assert node.do("commit")["outcome"] == "committed"
    assert list(docker.iterdir()) == []
    assert [line for line in node.world.spawned if line.startswith("umount")] == [
        f"umount {docker}/containers/a/shm"
    ]
    assert node.seen()["stays"] == []


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("a container", "container foreign"),
        ("a volume", "volume accounts"),
        ("another driver", "storage driver"),
        ("another folder", "does not look like Docker's"),
        ("our root below it", "new containerd's root is below it"),
    ],
)
def test_commit_leaves_data_that_may_be_somebody_elses_and_says_why(runs: Make, what: str, why: str) -> None:
    node = runs("switch")
    docker = node.world.path("var/lib/docker")
    if what == "another folder":
        docker = node.world.write("srv/data/letter", "dear").parent
        node.plan["switch"]["docker"]["data_root"] = str(docker)
    if what == "our root below it":
        node.plan["containerd"]["folders"][0] = str(docker / "replank")
    put_plan(node.world, node.plan)
    node.do("stage")
    node.do("run")
    if what == "a container":
        foreign = {"id": "foreign", "uid": "", "name": "ci", "type": "", "up": False}
        node.world.docker.append(foreign)
    if what == "a volume":
        node.world.docker_volumes = ["accounts"]
    if what == "another driver":
        (docker / "zfs").mkdir()
    before = sorted(docker.rglob("*"))
    assert node.do("commit")["outcome"] == "committed"
    assert why in node.seen()["stays"][0]
    kept = [p for p in before if "containers" not in str(p)]
    assert kept
    assert all(p.exists() for p in kept)
    asked = [line for line in node.world.spawned if line.startswith("apt-get")]
    assert bool(asked) is (what not in ("a container", "a volume")), "who uses Docker keeps its package"
