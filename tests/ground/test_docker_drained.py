"""A switch from Docker that empties each node first, on real machines with somewhere to go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from swap_desk import NEW, ROOT, plan_of, prepared, windows
from told import Told

from proving_ground.legacy import create
from proving_ground.legacy.layout import WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import DOCKER, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

# Compiling Kubernetes 1.23 may be part of it.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(5400)]

DRAINED = replace(DOCKER, name="drained", number=65, worker_groups=(WorkerGroup(count=2),))


@pytest.fixture
def workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and two workers of Kubernetes 1.23 on Docker."""
    yield fresh_cluster(ground, DRAINED, progress)
    create.destroy(ground, DRAINED, progress)


def places(workload: Kube, label: str) -> dict[str, str]:
    """UID -> Node, of the running pods with `app=label`."""
    return {
        pod["metadata"]["uid"]: pod["spec"]["nodeName"]
        for pod in workload.list("Pod")
        if pod["metadata"].get("labels", {}).get("app") == label and pod["status"]["phase"] == "Running"
    }


def test_pods_are_evicted_to_other_nodes_and_a_service_of_two_replicas_never_fails(
    ground: Folders, workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    desk = prepared(ground, DRAINED, progress, tmp_path, *ROOT)
    (docker,) = set(swapping.runtimes(workload).values())
    before = places(workload, "web")
    assert len(before) == 2
    with progress.step("drained: to containerd, probed"):
        desk.run("apply", plan_of(desk), "--yes", "--probe").done(1500)
    assert set(swapping.runtimes(workload).values()) == {NEW}
    assert not set(places(workload, "web")) & set(before), "every replica has moved once at least"
    assert not [n["metadata"]["name"] for n in workload.list("Node") if n["spec"].get("unschedulable")]
    until("addresses", lambda: swapping.strange_addresses(ground, DRAINED, workload), limit_s=60)
    failed = {t["name"]: t["stats"]["failed"] for t in desk.report()["probe"]["targets"]}
    told(f"proof: Docker to containerd, nodes drained: windows {windows(desk)} s, failed samples {failed}")
    assert failed["web"] == 0, failed
    with progress.step("drained: undone"):
        desk.run("undo", DRAINED.name, "--yes").done(1500)
    until(docker, lambda: swapping.not_all_on(workload, docker), limit_s=120)
    until("pods", lambda: settled.workload_serves(workload), limit_s=180)
    until("addresses", lambda: swapping.strange_addresses(ground, DRAINED, workload), limit_s=60)
    assert not [n["metadata"]["name"] for n in workload.list("Node") if n["spec"].get("unschedulable")]
