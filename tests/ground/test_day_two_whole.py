"""A long life after a takeover, on the real controllers: three control planes and two workers, all of them
replaced, by hand and by rollouts, with replank's operator at work. Part of the long proof."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from day_two import adopt, members_are_the_machines, nobody_noticed, operator, probing, unmet_by_verify
from desk import Desk
from living import living, machines_of, wishes
from openstack.connection import Connection

from proving_ground.cloud import connect
from proving_ground.legacy import create, ssh
from proving_ground.progress import Progress
from proving_ground.scenario import day2, etcd, ingress, new_cluster, settled
from proving_ground.scenario.fresh import PLAIN
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(5400)]

NEXT = "1.35-next"
CONTROL_PLANE = {"cluster.x-k8s.io/control-plane": ""}
WORKERS = {"cluster.x-k8s.io/deployment-name": "plain-worker"}
HEALTH_CHECK: dict[str, Any] = {
    "apiVersion": "cluster.x-k8s.io/v1beta2",
    "kind": "MachineHealthCheck",
    "metadata": {"name": "plain-worker", "namespace": "plain"},
    "spec": {
        "clusterName": "plain",
        "selector": {"matchLabels": WORKERS},
        "checks": {
            "unhealthyNodeConditions": [
                {"type": "Ready", "status": "Unknown", "timeoutSeconds": 20},
                {"type": "Ready", "status": "False", "timeoutSeconds": 20},
            ]
        },
    },
}


@pytest.fixture(scope="module")
def cloud(ground: Folders) -> Connection:
    return connect(ground)


@pytest.fixture(scope="module")
def plane(ground: Folders) -> Kube:
    return Kube(ground.plane("one") / "kubeconfig")


@pytest.fixture(scope="module")
def plain(ground: Folders, progress: Progress) -> Iterator[Kube]:
    yield from living(ground, PLAIN, progress)


@pytest.fixture(scope="module")
def desk(
    ground: Folders,
    plain: Kube,
    cloud: Connection,
    plane: Kube,
    progress: Progress,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    """The cluster taken over, its workers' pool and the operator beside it."""
    way_in = ingress.add(cloud, PLAIN)
    try:
        desk = adopt(ground, PLAIN, way_in, progress, tmp_path_factory.mktemp("plain"))
        day2.allow_new_machines(plane, PLAIN)
        with operator(ground, desk):
            yield desk
    finally:
        ingress.remove(cloud, way_in)


def machines(plane: Kube, labels: dict[str, str]) -> dict[str, str]:
    """Name -> uid."""
    return {m["metadata"]["name"]: m["metadata"]["uid"] for m in plane.list("Machine", "plain", labels)}


def addresses(plane: Kube) -> list[str]:
    """Of the control planes that are not on their way out."""
    return [
        address["address"]
        for machine in plane.list("Machine", "plain", CONTROL_PLANE)
        if not machine["metadata"].get("deletionTimestamp")
        for address in machine.get("status", {}).get("addresses", ())
        if address["type"] == "InternalIP"
    ]


@contextmanager
def etcd_watched(ground: Folders, plane: Kube, least: int = 3) -> Iterator[list[str]]:
    """What was ever wrong with etcd's membership while the context lasts: fewer than `least` voting members,
    or one that is no Machine's."""
    wrong: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(3):
            found = etcd.members(ground, PLAIN, addresses(plane))
            machines_now = plane.list("Machine", "plain", CONTROL_PLANE)
            nodes = {m.get("status", {}).get("nodeRef", {}).get("name") for m in machines_now}
            voting = {name for name, votes in found.items() if votes and name}
            if found and len(voting) < least:
                wrong.append(f"voting: {sorted(voting)}")
            joining = any(not m.get("status", {}).get("nodeRef") for m in machines_now)
            if (strangers := voting - nodes) and not joining:
                wrong.append(f"no Machine's: {sorted(strangers)}")

    thread = threading.Thread(target=watch, name="etcd")
    thread.start()
    try:
        yield wrong
    finally:
        over.set()
        thread.join()


def settle(plane: Kube, plain: Kube) -> None:
    """Waits until nobody wants anything and all Nodes are Ready."""
    until("plain", lambda: "; ".join(wishes(plane, PLAIN)), limit_s=600)
    until("plain's Nodes", lambda: settled.nodes_ready(plain, 5), limit_s=120)


def test_verify_passes_after_the_takeover(plane: Kube, plain: Kube, desk: Desk) -> None:
    settle(plane, plain)
    until("replank verify", lambda: unmet_by_verify(desk), limit_s=120)


def test_changes_in_place_replace_nothing(plane: Kube, plain: Kube, cloud: Connection, desk: Desk) -> None:
    before, named = machines_of(cloud, PLAIN), machines(plane, {})
    labels = {"metadata": {"labels": {"node.cluster.x-k8s.io/zone-of": "test"}}}
    timeouts = {"deletion": {"nodeDrainTimeoutSeconds": 1800}}
    worker = {"spec": {"template": {**labels, "spec": timeouts}}}
    plane.merge("MachineDeployment", "plain-worker", worker, "plain")
    control = {"spec": {"machineTemplate": {**labels, "spec": timeouts}}}
    plane.merge("KubeadmControlPlane", day2.control_plane_name(plane, PLAIN), control, "plain")

    def labelled() -> str:
        nodes = [n for n in plain.list("Node") if "node.cluster.x-k8s.io/zone-of" in n["metadata"]["labels"]]
        return "" if len(nodes) == 5 else f"{len(nodes)} of 5 Nodes are labelled"

    until("labels", labelled, limit_s=120)
    settle(plane, plain)
    assert machines(plane, {}) == named
    assert machines_of(cloud, PLAIN) == before


def test_workers_come_and_an_adopted_one_goes(
    plane: Kube, plain: Kube, cloud: Connection, desk: Desk, progress: Progress
) -> None:
    before = machines_of(cloud, PLAIN)
    old = next(m for m in desk.plan.machines if m.role == "worker")
    with probing(desk) as seen:
        with progress.step("plain: one worker more"):
            plane.merge("MachineDeployment", "plain-worker", {"spec": {"replicas": 3}}, "plain")
            day2.workers_settled(plane, PLAIN, "worker", 3)
        with progress.step("plain: the adopted worker goes"):
            chosen = {"metadata": {"annotations": {"cluster.x-k8s.io/delete-machine": ""}}}
            plane.merge("Machine", old.machine, chosen, "plain")
            plane.merge("MachineDeployment", "plain-worker", {"spec": {"replicas": 2}}, "plain")
            day2.workers_settled(plane, PLAIN, "worker", 2)
    nobody_noticed(seen, replaced=0)
    after = machines_of(cloud, PLAIN)
    gone = {thing for thing in before if thing not in after}
    assert gone == {old.server_id, *(port.id for port in old.ports)}, "that server and its ports"
    settle(plane, plain)


def test_three_adopted_control_planes_then_the_workers_are_replaced(
    ground: Folders, plane: Kube, plain: Kube, cloud: Connection, desk: Desk, progress: Progress
) -> None:
    old = machines(plane, {})
    with probing(desk) as seen, etcd_watched(ground, plane) as wrong:
        day2.roll_control_plane(ground, plane, PLAIN, NEXT, progress)
        until("pool", lambda: members_are_the_machines(plane, cloud, PLAIN, desk), limit_s=60)
        day2.roll_workers(ground, plane, PLAIN, NEXT, progress)
    assert wrong == []
    nobody_noticed(seen, replaced=3)
    assert set(machines(plane, {}).values()) & set(old.values()) == set()
    versions = {node["status"]["nodeInfo"]["kubeletVersion"] for node in plain.list("Node")}
    assert versions == {new_cluster.version_of(NEXT)}
    settle(plane, plain)


def test_machines_deleted_by_hand_are_replaced(
    ground: Folders, plane: Kube, plain: Kube, cloud: Connection, desk: Desk, progress: Progress
) -> None:
    # A deleted Machine's member goes before KubeadmControlPlane makes another one; a rollout makes it first.
    with probing(desk) as seen, etcd_watched(ground, plane, least=2) as wrong:
        for labels, what in ((WORKERS, "worker"), (CONTROL_PLANE, "control plane")):
            name, uid = next(iter(machines(plane, labels).items()))
            with progress.step(f"plain: {what} {name} deleted by hand"):
                plane.delete("Machine", name, "plain")
                until(name, _replaced(plane, labels, uid), limit_s=420)
                settle(plane, plain)
        until("pool", lambda: members_are_the_machines(plane, cloud, PLAIN, desk), limit_s=60)
    assert wrong == []
    nobody_noticed(seen, replaced=1)


def _replaced(plane: Kube, labels: dict[str, str], uid: str) -> Callable[[], str]:
    def ask() -> str:
        return "it is still there" if uid in machines(plane, labels).values() else ""

    return ask


def test_a_machine_whose_kubelet_stopped_is_remediated_and_no_other(
    ground: Folders, plane: Kube, plain: Kube, desk: Desk, progress: Progress
) -> None:
    before = machines(plane, {})
    plane.apply(HEALTH_CHECK)
    try:
        sick = plane.list("Machine", "plain", WORKERS)[0]
        address = next(a["address"] for a in sick["status"]["addresses"] if a["type"] == "InternalIP")
        known = create.known_hosts(ground, PLAIN)
        ssh.run(ground, known, address, "sudo systemctl stop kubelet")
        with progress.step("plain: a kubelet is stopped"):
            # Both replicas of a budget may stand there: it lets none go until, after five minutes, the pods'
            # toleration of `unreachable` ends.
            until("remediation", _replaced(plane, WORKERS, sick["metadata"]["uid"]), limit_s=600)
        settle(plane, plain)
    finally:
        plane.delete("MachineHealthCheck", "plain-worker", "plain")
    kept = set(machines(plane, {}).values()) & set(before.values())
    assert kept == set(before.values()) - {sick["metadata"]["uid"]}


def test_certificates_are_renewed_by_a_rollout_and_the_kubeconfig_is_made_again(
    ground: Folders, plane: Kube, plain: Kube, cloud: Connection, desk: Desk, progress: Progress
) -> None:
    with probing(desk) as seen, etcd_watched(ground, plane) as wrong:
        day2.renew_control_plane(plane, PLAIN, progress)
        until("pool", lambda: members_are_the_machines(plane, cloud, PLAIN, desk), limit_s=60)
    assert wrong == []
    nobody_noticed(seen, replaced=3)
    secret = plane.get("Secret", "plain-kubeconfig", "plain")
    plane.delete("Secret", "plain-kubeconfig", "plain")
    # Nobody watches that Secret: the control plane's next look makes it anew, and that comes with a change.
    look = {"metadata": {"annotations": {"example.com/look": "again"}}}
    plane.merge("KubeadmControlPlane", day2.control_plane_name(plane, PLAIN), look, "plain")
    until("kubeconfig", lambda: "" if plane.find("Secret", "plain-kubeconfig", "plain") else "none", 120)
    assert plane.get("Secret", "plain-kubeconfig", "plain")["metadata"]["uid"] != secret["metadata"]["uid"]
    settle(plane, plain)


def test_a_new_cluster_lives_beside_the_adopted_one(
    ground: Folders, plane: Kube, plain: Kube, cloud: Connection, desk: Desk, progress: Progress
) -> None:
    before = machines_of(cloud, PLAIN)
    beside = new_cluster.NewCluster(name="beside", number=102)
    workload = new_cluster.new_cluster_by_cluster_api(ground, beside, progress)
    new_cluster.upgrade(ground, plane, beside, NEXT, progress)
    until("Nodes", lambda: settled.nodes_ready(workload, 2), limit_s=180)
    new_cluster.delete_cluster(plane, "beside", "beside", progress)
    assert machines_of(cloud, PLAIN) == before
    assert wishes(plane, PLAIN) == []


def test_verify_passes_after_all_of_that(plane: Kube, plain: Kube, desk: Desk) -> None:
    settle(plane, plain)
    until("replank verify", lambda: unmet_by_verify(desk), limit_s=120)
