"""Life after a takeover, on the real controllers: scaling and rollouts with replank's operator, probed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from day_two import (
    adopt,
    members_are_the_machines,
    mortal_operator,
    nobody_noticed,
    offered_unready,
    operator,
    probing,
)
from living import living, machines_of, wishes
from openstack.connection import Connection
from told import Told

from proving_ground import images
from proving_ground.cloud import connect
from proving_ground.errors import GroundError
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import day2, ingress, new_cluster, settled
from proving_ground.scenario.fresh import SMALL
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(2400)]

NEXT = "1.35-next"
SLOW = {"delay": 10, "timeout": 5, "maxRetries": 5, "maxRetriesDown": 3}
QUICK = {"delay": 1, "timeout": 1, "maxRetries": 1, "maxRetriesDown": 1}
"""CAPO's defaults (v0.14.7, api/v1beta1/types.go), and about the quickest that Octavia takes."""


@pytest.fixture
def cloud(ground: Folders) -> Connection:
    return connect(ground)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


@pytest.fixture
def small(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and one worker."""
    yield from living(ground, SMALL, progress)


@pytest.fixture
def way_in(cloud: Connection, small: Kube) -> Iterator[ingress.Ingress]:
    """The listener through which users come."""
    made = ingress.add(cloud, SMALL)
    yield made
    ingress.remove(cloud, made)


def servers_of(cloud: Connection, cluster: LegacyCluster) -> dict[str, Any]:
    """Name -> server."""
    return {s.name: s for s in cloud.compute.servers() if s.name.startswith(f"{cluster.name}-")}


def test_workers_and_control_plane_are_scaled_and_replaced_without_anybody_noticing(
    ground: Folders,
    small: Kube,
    way_in: ingress.Ingress,
    cloud: Connection,
    progress: Progress,
    tmp_path: Path,
    told: Told,
) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, way_in, progress, tmp_path)
    before = machines_of(cloud, SMALL)
    (old_worker,) = [m.machine for m in desk.plan.machines if m.role == "worker"]
    day2.allow_new_machines(plane, SMALL)
    with operator(ground, desk), probing(desk) as seen:
        with progress.step("small: one worker more"):
            plane.merge("MachineDeployment", "small-worker", {"spec": {"replicas": 2}}, "small")
            day2.workers_settled(plane, SMALL, "worker", 2)
        new = {n: s for n, s in servers_of(cloud, SMALL).items() if s.id not in before}
        (worker,) = new.values()
        image = cloud.image.find_image(images.glance_name(SMALL.kubernetes), ignore_missing=False)
        assert worker.image.id == image.id, "the image that the plan names for new machines"
        until("way in", lambda: _two_living(cloud, way_in), limit_s=90)
        with progress.step("small: the adopted worker goes"):
            chosen = {"metadata": {"annotations": {"cluster.x-k8s.io/delete-machine": ""}}}
            plane.merge("Machine", old_worker, chosen, "small")
            plane.merge("MachineDeployment", "small-worker", {"spec": {"replicas": 1}}, "small")
            day2.workers_settled(plane, SMALL, "worker", 1)
        after = machines_of(cloud, SMALL)
        gone = {thing for thing in before if thing not in after}
        (server,) = [m for m in desk.plan.machines if m.machine == old_worker]
        assert gone == {server.server_id, *(port.id for port in server.ports)}, "that server and its ports"
        assert {t: after[t] for t in before if t in after} == {t: before[t] for t in before if t not in gone}
    nobody_noticed(seen, replaced=0)
    with operator(ground, desk), probing(desk) as seen:
        day2.roll_control_plane(ground, plane, SMALL, NEXT, progress)
        until("pool", lambda: members_are_the_machines(plane, cloud, SMALL, desk), limit_s=60)
    told(f"proof: control plane of 1+1 replaced with the operator: {seen.told()}")
    nobody_noticed(seen, replaced=1)
    assert wishes(plane, SMALL) == []
    assert settled.nodes_ready(small, 2) == ""
    assert [t for n in small.list("Node") for t in n["spec"].get("taints", ()) if "replank" in t["key"]] == []


@pytest.mark.long
def test_without_the_operator_the_same_rollout_takes_the_api_away(
    ground: Folders,
    small: Kube,
    way_in: ingress.Ingress,
    progress: Progress,
    tmp_path: Path,
    told: Told,
) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, way_in, progress, tmp_path)
    day2.allow_new_machines(plane, SMALL)
    new_cluster.release_guards(plane, "small")
    with probing(desk) as seen, pytest.raises(GroundError):
        day2.roll_control_plane(ground, plane, SMALL, NEXT, progress, limit_s=240)
    told(f"proof: control plane of 1+1 replaced without the operator: {seen.told()}")
    assert seen.failed()["api"] > 100, "the pool's only member went with its machine, and none came"


@pytest.mark.long
def test_an_operator_that_is_killed_again_and_again_changes_nothing_but_time(
    ground: Folders,
    small: Kube,
    way_in: ingress.Ingress,
    cloud: Connection,
    progress: Progress,
    tmp_path: Path,
    told: Told,
) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, way_in, progress, tmp_path)
    day2.allow_new_machines(plane, SMALL)
    seed = random.randrange(10**6)
    told(f"seed {seed}")
    with mortal_operator(ground, desk, random.Random(seed)) as lives, probing(desk) as seen:
        day2.roll_control_plane(ground, plane, SMALL, NEXT, progress, limit_s=1200)
        until("pool", lambda: members_are_the_machines(plane, cloud, SMALL, desk), limit_s=120)
        day2.roll_workers(ground, plane, SMALL, NEXT, progress, limit_s=1200)
    told(f"proof: 1+1 replaced under an operator that was killed {len(lives)} times: {seen.told()}")
    assert len(lives) > 3
    nobody_noticed(seen, replaced=1)
    assert wishes(plane, SMALL) == []


@pytest.mark.long
def test_the_gap_of_a_managed_load_balancer_is_measured_and_narrowed(
    ground: Folders, small: Kube, cloud: Connection, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """CAPO adds a member when its server is ACTIVE, long before its API answers, and removes it after it has
    ended; only the monitor keeps connections from it meanwhile. Or its weight, which the operator sets.

    What is compared is for how long the balancer offered a member whose API was not ready. How many
    connections fail of that depends on how the machine says no, and on the balancer's retries.
    """
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, None, progress, tmp_path, load_balancer="managed")
    assert desk.plan.load_balancer.mode == "managed"
    day2.allow_new_machines(plane, SMALL)
    exposed: dict[str, float] = {}
    for name, monitor, weights in (
        ("slow monitor", SLOW, False),
        ("quick monitor", QUICK, False),
        ("slow monitor, weights by the operator", SLOW, True),
    ):
        balancer = {"spec": {"apiServerLoadBalancer": {"monitor": monitor}}}
        plane.merge("OpenStackCluster", "small", balancer, "small")
        time.sleep(20)  # until CAPO has told Octavia, and haproxy has read it
        with (
            operator(ground, desk, keep_pools=weights),
            probing(desk) as seen,
            offered_unready(ground, desk) as offered,
        ):
            day2.renew_control_plane(plane, SMALL, progress)
        exposed[name] = offered.seconds
        told(f"proof: managed load balancer, {name}: unready for {offered.seconds:.1f} s; {seen.told()}")
    assert exposed["slow monitor, weights by the operator"] < exposed["slow monitor"] / 2, exposed
    assert wishes(plane, SMALL) == []


def _two_living(cloud: Connection, way_in: ingress.Ingress) -> str:
    found = ingress.members(cloud, way_in.pool)
    return "" if len(found) == 2 else f"members {found}"
