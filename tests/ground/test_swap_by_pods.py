"""Runtimes are swapped without SSH: replank reaches the nodes by pods and exec through the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from shell import replank
from swap_desk import NEW, NO_DRAIN, OLD, findings, plan_of, windows
from swap_rounds import docker_switched, docker_undone
from told import Told

from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import node_pods, settled, swapping
from proving_ground.scenario.fresh import DOCKER, SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.operator import probes_of, write_fleet_file
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.inventory.node_pods import NAMESPACE

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]


def prepared_without_ssh(
    ground: Folders, cluster: LegacyCluster, progress: Progress, folder: Path, *how: str
) -> Desk:
    """Surveyed, audited and planned. 2: what a takeover reads on machines is over SSH alone."""
    swapping.give_crictl(ground, cluster, progress)
    node_pods.bring_image(ground, cluster, progress)
    desk = Desk(ground, cluster, folder)
    write_fleet_file(ground, [cluster], desk.fleet, "one", probes_of(ground, cluster))
    node_pods.take_ssh_away(desk.fleet)
    where = ("--fleet", desk.fleet, "--snapshots", desk.folder / "snapshots")
    with progress.step(f"{cluster.name}: survey, audit, plan by pods"):
        replank("survey", "--runtime", *where, accept=(0, 2))
        found = json.loads(replank("audit", "runtime", "--json", *where))
        assert all(f["severity"] != "blocker" for f in findings(found)), found
        to = ("--to", NEW.replace("://", "-"), "--bundle", swapping.bundle(ground, progress), *how)
        replank("plan", "runtime", *to, *where, "--out", folder / "plans")
    return desk


def left(workload: Kube) -> list[Any]:
    """Pods of replank's that are there, and do not end already."""
    pods = [pod["metadata"] for pod in workload.list("Pod")]
    return [m["name"] for m in pods if m["namespace"] == NAMESPACE and "deletionTimestamp" not in m]


def without_ours(containers: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in containers.items() if not name.startswith(f"{NAMESPACE}/")}


def test_containerd_is_swapped_in_place_and_back_by_pods_and_no_pod_notices(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    before = swapping.containers(swap_workload)
    desk = prepared_without_ssh(ground, SWAP, progress, tmp_path)
    assert left(swap_workload) == []
    with progress.step("swap by pods: to 2.3.5, probed"):
        desk.run("apply", plan_of(desk), "--yes", "--probe").done(900)
    until("runtimes", lambda: swapping.not_all_on(swap_workload, NEW), limit_s=60)
    assert left(swap_workload) == []
    assert without_ours(swapping.containers(swap_workload)) == before
    report = desk.report()
    assert report["headline"]["ending"] == "swapped", report["headline"]
    failed = {t["name"]: t["stats"]["failed"] for t in report["probe"]["targets"]}
    told(f"proof: containerd 1.7.29 to 2.3.5 without SSH, by pods: failed samples {failed}")
    assert set(failed.values()) == {0}
    with progress.step("swap by pods: undone"):
        desk.run("undo", SWAP.name, "--yes").done(600)
    until("runtimes", lambda: swapping.not_all_on(swap_workload, OLD), limit_s=60)
    until("pods", lambda: settled.workload_serves(swap_workload), limit_s=60)
    assert left(swap_workload) == []
    assert without_ours(swapping.containers(swap_workload)) == before


def test_docker_is_switched_to_containerd_and_back_by_pods_that_the_switch_itself_stops(
    ground: Folders, docker_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """With the old exec protocol, which is all that Kubernetes 1.23 speaks."""
    desk = prepared_without_ssh(ground, DOCKER, progress, tmp_path, *NO_DRAIN)
    (docker,) = set(swapping.runtimes(docker_workload).values())
    docker_switched(desk, docker_workload, progress)
    assert left(docker_workload) == []
    docker_undone(desk, docker_workload, progress, docker)
    assert left(docker_workload) == []
    told(f"proof: Docker to containerd 2.3.5 and back without SSH, by pods: windows {windows(desk)} s")
