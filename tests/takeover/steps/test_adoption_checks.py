"""Gates after unpausing: waits for what controllers reach, stops at once at what must not be."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from adopted import World, add_server, own, say

from replank.domain.verdict import Verdict
from replank.ports.access import Rolling

CP = ["plain-cp-1", "plain-cp-2", "plain-cp-3"]
WORKERS = ["plain-worker-1", "plain-worker-2"]
SET, DEPLOYMENT, KCP = (
    "MachineSet/plain-worker-adopted",
    "MachineDeployment/plain-worker",
    "KubeadmControlPlane/plain-control-plane",
)


def change(world: World, key: str, **patch: Any) -> None:
    world.management.change(world.management.ref(key), patch)


def remove(world: World, key: str) -> None:
    del world.management.objects[world.management.ref(key)]


def delete(world: World, key: str) -> None:
    meta = world.management[key]["metadata"]
    meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"


def more(world: World, key: str, name: str) -> None:
    """Another object of the same kind and owner, as a controller would make one."""
    document = copy.deepcopy(world.management[key])
    document["metadata"] = {**document["metadata"], "name": name, "uid": f"uid-{name}"}
    world.management.put(document)


def servers(world: World) -> Verdict:
    ids = {m.machine: m.server_id for m in world.plan.machines}
    return world.check("cluster-api.server-ids", servers=ids)


def labels(world: World) -> Verdict:
    return world.check("cluster-api.server-labels", machines=[*CP, *WORKERS])


def nodes(world: World) -> Verdict:
    return world.check("cluster-api.node-refs", nodes={m.machine: m.node for m in world.plan.machines})


def set_owns(world: World) -> Verdict:
    return world.check("cluster-api.owns", object=SET, machines=WORKERS)


def kcp_owns(world: World) -> Verdict:
    return world.check("cluster-api.owns", object=KCP, machines=CP)


def one_set(world: World) -> Verdict:
    return world.check("cluster-api.one-machine-set", object=DEPLOYMENT, machine_set="plain-worker-adopted")


def ready(world: World) -> Verdict:
    return world.check("cluster-api.infrastructure-ready")


def available(world: World) -> Verdict:
    return world.check("cluster-api.available")


def deleting(world: World) -> Verdict:
    return world.check("cluster-api.nothing-deleting", namespace="fleet")


def keep(world: World) -> Verdict:
    return world.check("cluster-api.keep")


def control_planes(world: World) -> Verdict:
    return world.check("cluster-api.control-plane-machines", machines=CP)


ALL = (
    servers,
    labels,
    nodes,
    set_owns,
    kcp_owns,
    one_set,
    ready,
    available,
    deleting,
    keep,
    control_planes,
)


@pytest.mark.parametrize("check", ALL)
def test_an_adopted_cluster_passes(check: Callable[[World], Verdict]) -> None:
    assert check(World().adopted()).outcome == "pass"


Harm = Callable[[World], None]

WAITS: list[tuple[Callable[[World], Verdict], Harm]] = [
    (servers, lambda w: remove(w, "OpenStackServer/plain-cp-1")),
    (servers, lambda w: change(w, "OpenStackServer/plain-cp-1", status={"instanceID": None})),
    (labels, lambda w: remove(w, "OpenStackServer/plain-cp-1")),
    (nodes, lambda w: change(w, "Machine/plain-cp-1", status={"nodeRef": None})),
    (set_owns, lambda w: change(w, "Machine/plain-worker-1", metadata={"ownerReferences": None})),
    (set_owns, lambda w: change(w, SET, status={"replicas": 1})),
    (set_owns, lambda w: change(w, SET, metadata={"generation": 2})),
    (kcp_owns, lambda w: say(w.management, w.management.ref(KCP), "Available", "False")),
    (kcp_owns, lambda w: say(w.management, w.management.ref(KCP), "MachinesUpToDate", "Unknown")),
    (kcp_owns, lambda w: change(w, KCP, status={"upToDateReplicas": 2})),
    (one_set, lambda w: change(w, SET, metadata={"ownerReferences": None})),
    (
        one_set,
        lambda w: change(
            w, SET, metadata={"annotations": {"machinedeployment.clusters.x-k8s.io/revision": None}}
        ),
    ),
    (ready, lambda w: change(w, "OpenStackCluster/plain", status={"ready": False})),
    (ready, lambda w: change(w, "Cluster/plain", status={"initialization": None})),
    (
        ready,
        lambda w: change(
            w,
            "OpenStackMachine/plain-cp-1",
            status={"conditions": [{"type": "InstanceReady", "status": "False", "severity": "Error"}]},
        ),
    ),
    (available, lambda w: say(w.management, w.management.ref("Cluster/plain"), "Available", "False")),
]

FAILS: list[tuple[Callable[[World], Verdict], Harm, str]] = [
    (
        servers,
        lambda w: change(w, "OpenStackServer/plain-cp-1", status={"instanceID": "other"}),
        "plain-cp-1 has server other",
    ),
    (servers, lambda w: more(w, "OpenStackServer/plain-cp-1", "plain-x"), "plain-x is none of the plan"),
    (servers, lambda w: delete(w, "OpenStackServer/plain-cp-1"), "plain-cp-1 is being deleted"),
    (labels, lambda w: change(w, "OpenStackServer/plain-cp-1", metadata={"labels": None}), "plain-cp-1"),
    (nodes, lambda w: change(w, "Machine/plain-cp-1", status={"nodeRef": {"name": "x"}}), "has Node x"),
    (
        nodes,
        lambda w: change(w, "Machine/plain-cp-1", spec={"providerID": "openstack://r/x"}),
        "openstack://r/x",
    ),
    (nodes, lambda w: remove(w, "Machine/plain-cp-1"), "plain-cp-1 is not there"),
    (nodes, lambda w: delete(w, "Machine/plain-cp-1"), "plain-cp-1 is being deleted"),
    (nodes, lambda w: more(w, "Machine/plain-cp-1", "plain-x"), "plain-x is none of the plan"),
    (set_owns, lambda w: more(w, "Machine/plain-worker-1", "plain-x"), "plain-x"),
    (set_owns, lambda w: own(w.management, "Machine/plain-worker-1", DEPLOYMENT), "belongs to"),
    (set_owns, lambda w: delete(w, "Machine/plain-worker-1"), "being deleted"),
    (set_owns, lambda w: remove(w, SET), "not there"),
    (kcp_owns, lambda w: say(w.management, w.management.ref(KCP), "RollingOut", "True", "a diff"), "a diff"),
    (kcp_owns, lambda w: say(w.management, w.management.ref(KCP), "MachinesUpToDate", "False"), "UpToDate"),
    (kcp_owns, lambda w: own(w.management, "Machine/plain-worker-1", KCP), "plain-worker-1"),
    (one_set, lambda w: more(w, SET, "plain-worker-x"), "plain-worker-x"),
    (one_set, lambda w: remove(w, SET), "not there"),
    (one_set, lambda w: say(w.management, w.management.ref(DEPLOYMENT), "RollingOut", "True"), "RollingOut"),
    (
        ready,
        lambda w: change(w, "OpenStackCluster/plain", status={"network": {"id": "other"}}),
        "network other",
    ),
    (
        ready,
        lambda w: change(w, "OpenStackMachine/plain-cp-1", status={"failureReason": "CreateError"}),
        "CreateError",
    ),
    (ready, lambda w: remove(w, "OpenStackCluster/plain"), "not there"),
    (available, lambda w: more(w, "Machine/plain-worker-1", "plain-x"), "plain-x"),
    (deleting, lambda w: delete(w, "OpenStackServer/plain-worker-1"), "plain-worker-1"),
    (control_planes, lambda w: remove(w, "KubeadmConfig/plain-cp-1"), "KubeadmConfig of Machine plain-cp-1"),
    (keep, lambda w: remove(w, "KubeadmConfig/plain-cp-1"), "plain-cp-1"),
]


@pytest.mark.parametrize(("check", "harm"), WAITS)
def test_what_controllers_will_reach_is_waited_for(
    check: Callable[[World], Verdict], harm: Callable[[World], None]
) -> None:
    world = World().adopted()
    harm(world)
    verdict = check(world)
    assert (verdict.outcome, bool(verdict.why)) == ("wait", True)


@pytest.mark.parametrize(("check", "harm", "words"), FAILS)
def test_what_must_not_be_fails_at_once_and_is_named(
    check: Callable[[World], Verdict], harm: Callable[[World], None], words: str
) -> None:
    world = World().adopted()
    harm(world)
    verdict = check(world)
    assert (verdict.outcome, words in verdict.why, bool(verdict.todo)) == ("fail", True, True), verdict.why


def test_a_wish_to_roll_fails_in_upstreams_own_words() -> None:
    world = World().adopted()
    world.judge.rolling = (Rolling(object="Machine/plain-cp-1", why="KubeadmConfig diff: files"),)
    verdict = keep(world)
    assert verdict.outcome == "fail"
    assert "KubeadmConfig diff: files" in verdict.why
    assert verdict.evidence["by"] == "cluster-api v1.14.0"


def test_the_judge_gets_every_object_that_counts() -> None:
    world = World().adopted()
    assert keep(world).outcome == "pass"
    kinds = {"KubeadmControlPlane", "MachineDeployment", "MachineSet", "Machine", "KubeadmConfig"}
    kinds |= {"OpenStackMachine"}
    assert set(world.judge.asked) == {k for k in world.plan.manifests if k.partition("/")[0] in kinds}


def test_a_server_of_another_cluster_is_not_ours_to_judge() -> None:
    world = World().adopted()
    add_server(world, "plain-cp-1")
    more(world, "OpenStackServer/plain-cp-1", "other-1")
    other = {"labels": {"cluster.x-k8s.io/cluster-name": "other"}}
    change(world, "OpenStackServer/other-1", metadata=other)
    assert servers(world).outcome == "pass"
