"""The runtime of a cluster that Cluster API has is swapped, and the real controllers replace nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from day_two import NEXT, adopt
from desk import Desk
from living import machines_of, wishes
from openstack.connection import Connection
from shell import replank
from swap_desk import NEW, OLD
from told import Told

from proving_ground import images
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import SMALL
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.plan.codec import load
from replank.plan.runtime_swap import RuntimeSwapPlan

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]

REVISION = "machinedeployment.clusters.x-k8s.io/revision"
QUIET_S = 60


def keepers(plane: Kube, cluster: LegacyCluster) -> dict[str, Any]:
    """What a rollout would change: Machines and MachineSets by uid, revisions, counts."""
    name = cluster.name
    found: dict[str, Any] = {
        kind: {d["metadata"]["name"]: d["metadata"]["uid"] for d in plane.list(kind, name)}
        for kind in ("Machine", "MachineSet", "OpenStackServer")
    }
    for deployment in plane.list("MachineDeployment", name):
        found["revision"] = deployment["metadata"]["annotations"][REVISION]
    (control_plane,) = plane.list("KubeadmControlPlane", name)
    found["up to date"] = control_plane["status"]["upToDateReplicas"]
    return found


def template_names(plane: Kube, cluster: LegacyCluster) -> set[str]:
    """The infrastructure templates that machines are made with."""
    name, found = cluster.name, set()
    for kind, path in (("KubeadmControlPlane", "machineTemplate"), ("MachineDeployment", "template")):
        for document in plane.list(kind, name):
            found.add(document["spec"][path]["spec"]["infrastructureRef"]["name"])
    return found


def paused(plane: Kube, cluster: LegacyCluster) -> list[str]:
    """Objects that carry a pause."""
    kinds = ("KubeadmControlPlane", "MachineDeployment", "MachineSet")
    return [
        document["metadata"]["name"]
        for kind in kinds
        for document in plane.list(kind, cluster.name)
        if "cluster.x-k8s.io/paused" in (document["metadata"].get("annotations") or {})
    ]


def test_an_adopted_cluster_is_swapped_and_brought_in_line_and_no_machine_is_replaced(
    ground: Folders, small: Kube, cloud: Connection, progress: Progress, tmp_path: Path, told: Told
) -> None:
    plane = Kube(ground.plane("one") / "kubeconfig")
    desk = adopt(ground, SMALL, None, progress, tmp_path)
    swapping.give_crictl(ground, SMALL, progress)
    image = cloud.image.find_image(images.glance_name(NEXT), ignore_missing=False)
    plan = desk.folder / "plans" / f"{SMALL.name}.runtime.yaml"
    snapshots = ("--snapshots", desk.folder / "runtimes")
    with progress.step("small: survey, audit, plan of the runtime swap"):
        replank("survey", "--runtime", "--fleet", desk.fleet, *snapshots)
        to = ("--to", NEW.replace("://", "-"), "--bundle", swapping.bundle(ground, progress))
        out = ("--fleet", desk.fleet, *snapshots, "--out", plan.parent)
        replank("plan", "runtime", *to, "--image", image.id, *out)
    made = load(plan.read_bytes(), where=str(plan))
    assert isinstance(made, RuntimeSwapPlan)
    assert made.cluster_api is not None
    assert {a.keeper for a in made.cluster_api.alignments} == {
        f"KubeadmControlPlane/{plane.list('KubeadmControlPlane', SMALL.name)[0]['metadata']['name']}",
        f"MachineDeployment/{SMALL.name}-worker",
    }
    before, machines, old = keepers(plane, SMALL), machines_of(cloud, SMALL), template_names(plane, SMALL)
    pods = swapping.containers(small)
    with progress.step("small: swapped and brought in line"):
        desk.run("apply", plan, "--yes").done(900)
    assert set(swapping.runtimes(small).values()) == {NEW}
    assert swapping.containers(small) == pods
    assert template_names(plane, SMALL) == {template.name for template in made.cluster_api.templates}
    nothing_replaced(plane, cloud, before, machines)
    judges = judged_by(desk)
    told(f"proof: 1+1 under Cluster API swapped and brought in line, judged by {sorted(judges)}")
    assert judges == {"cluster-api v1.14.0"}
    with progress.step("small: undone"):
        desk.run("undo", SMALL.name, "--yes").done(600)
    until("runtimes", lambda: swapping.not_all_on(small, OLD), limit_s=60)
    assert template_names(plane, SMALL) == old
    nothing_replaced(plane, cloud, before, machines)
    left = {d["metadata"]["name"] for d in plane.list("OpenStackMachineTemplate", SMALL.name)}
    assert left.isdisjoint({template.name for template in made.cluster_api.templates})


def nothing_replaced(
    plane: Kube, cloud: Connection, before: dict[str, Any], machines: dict[str, Any]
) -> None:
    """Now, and while the controllers have their time."""
    end = time.monotonic() + QUIET_S
    while time.monotonic() < end:
        assert keepers(plane, SMALL) == before
        time.sleep(5)
    assert machines_of(cloud, SMALL) == machines, "the same servers and ports"
    assert wishes(plane, SMALL) == []
    assert paused(plane, SMALL) == []
    assert settled.machines_have_nodes(plane, SMALL.name) == ""


def judged_by(desk: Desk) -> set[str]:
    """Who said in the last run that nothing would be replaced."""
    log = replank("log", desk.cluster.name, "--json", "--fleet", desk.fleet, cwd=desk.folder)
    events = [json.loads(line) for line in log.splitlines() if line.strip().startswith("{")]
    checks = [
        e["data"] for e in events if e["kind"] == "check" and e["data"].get("kind") == "controlled.keep"
    ]
    return {str(check["evidence"]["by"]) for check in checks if check["outcome"] == "pass"}
