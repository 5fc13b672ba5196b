"""Life after a takeover, on the real controllers: scaling and rollouts with replank's operator, probed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from day_two import NEXT, adopt, members_are_the_machines, nobody_noticed, operator, probing
from living import machines_of, wishes
from openstack.connection import Connection
from told import Told

from proving_ground import images
from proving_ground.errors import GroundError
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import day2, ingress, new_cluster, settled
from proving_ground.scenario.fresh import SMALL
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(2400)]


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


def _two_living(cloud: Connection, way_in: ingress.Ingress) -> str:
    found = ingress.members(cloud, way_in.pool)
    return "" if len(found) == 2 else f"members {found}"
