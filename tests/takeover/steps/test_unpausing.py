"""Pauses are lifted only where the controllers can do nothing but adopt, and undo puts everything back."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from adopted import World, controllers_adopt, golden, write_on_node

from replank.domain.errors import Hold, Refused
from replank.ports.access import ObjectRef

CLUSTER, MACHINE_SET, DEPLOYMENT, KCP = (
    "unpause/cluster",
    "unpause/machineset",
    "unpause/machinedeployment",
    "unpause/kcp",
)
PAUSED = "cluster.x-k8s.io/paused"


def unpaused_cluster() -> World:
    world = World().written()
    world.apply(world.step(CLUSTER))
    controllers_adopt(world)
    return world


def annotations(world: World, key: str) -> dict[str, str]:
    return dict(world.management[key]["metadata"].get("annotations") or {})


def test_the_cluster_is_unpaused_and_its_owners_stay_paused() -> None:
    world = World().written()
    world.apply(world.step(CLUSTER))
    assert world.management["Cluster/plain"]["spec"]["paused"] is False
    for key in ("MachineSet/plain-worker-adopted", "MachineDeployment/plain-worker"):
        assert PAUSED in annotations(world, key)
    assert world.apply(world.step(CLUSTER)) == {"unpaused": "Cluster/plain", "already": True}


@pytest.mark.parametrize(
    "key",
    [
        "MachineSet/plain-worker-adopted",
        "MachineDeployment/plain-worker",
        "KubeadmControlPlane/plain-control-plane",
    ],
)
def test_the_cluster_is_not_unpaused_below_an_owner_that_is_not_paused(key: str) -> None:
    world = World().written()
    world.management.change(world.management.ref(key), {"metadata": {"annotations": {PAUSED: None}}})
    with pytest.raises(Refused, match=f"RP863.*{key}"):
        world.apply(world.step(CLUSTER))
    assert world.management["Cluster/plain"]["spec"]["paused"] is True


def _boots(world: World) -> None:
    ref = world.management.ref("Machine/plain-worker-1")
    world.management.change(ref, {"spec": {"bootstrap": {"dataSecretName": "real-user-data"}}})


def _user_data(world: World) -> None:
    meta = {"name": "adopted-no-user-data", "namespace": "fleet"}
    world.management.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta})


def _machine_gone(world: World) -> None:
    del world.management.objects[world.management.ref("Machine/plain-worker-1")]


@pytest.mark.parametrize("harm", [_boots, _user_data, _machine_gone])
def test_the_cluster_is_not_unpaused_where_a_machine_could_boot_a_new_server(
    harm: Callable[[World], None],
) -> None:
    world = World().written()
    harm(world)
    with pytest.raises(Refused, match="RP867"):
        world.apply(world.step(CLUSTER))
    assert world.management["Cluster/plain"]["spec"]["paused"] is True


def test_nothing_is_unpaused_while_something_is_being_deleted() -> None:
    for part in (CLUSTER, MACHINE_SET, KCP):
        world = World().written() if part == CLUSTER else unpaused_cluster()
        ref = world.management.ref("OpenStackMachine/plain-worker-1")
        world.management.objects[ref]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        writes = len(world.management.writes)
        with pytest.raises(Refused, match="RP861"):
            world.apply(world.step(part))
        assert len(world.management.writes) == writes


def _no_machine(world: World) -> None:
    del world.management.objects[world.management.ref("Machine/plain-cp-3")]


def _no_machines(world: World) -> None:
    for number in (1, 2, 3):
        del world.management.objects[world.management.ref(f"Machine/plain-cp-{number}")]


def _no_label(kind: str) -> Callable[[World], None]:
    def harm(world: World) -> None:
        ref = world.management.ref(f"{kind}/plain-cp-3")
        labels = {"cluster.x-k8s.io/control-plane": None}
        world.management.change(ref, {"metadata": {"labels": labels}})

    return harm


def _more_replicas(world: World) -> None:
    ref = world.management.ref("KubeadmControlPlane/plain-control-plane")
    world.management.change(ref, {"spec": {"replicas": 5}})


def _one_more_machine(world: World) -> None:
    more = copy.deepcopy(world.management["Machine/plain-cp-1"])
    more["metadata"] = {**more["metadata"], "name": "plain-cp-4", "uid": "another"}
    world.management.put(more)


@pytest.mark.parametrize(
    "harm",
    [
        _no_machine,
        _no_machines,
        _no_label("Machine"),
        _no_label("KubeadmConfig"),
        _more_replicas,
        _one_more_machine,
    ],
)
def test_the_control_plane_is_never_unpaused_unless_it_is_complete(harm: Callable[[World], None]) -> None:
    """Trap 1 and 2: etcd members without a Machine are removed; without Machines a control plane is made."""
    world = unpaused_cluster()
    harm(world)
    with pytest.raises(Refused, match="RP868"):
        world.apply(world.step(KCP))
    assert PAUSED in annotations(world, "KubeadmControlPlane/plain-control-plane")
    machines = ["plain-cp-1", "plain-cp-2", "plain-cp-3"]
    verdict = world.check("cluster-api.control-plane-machines", machines=machines)
    assert verdict.outcome == "fail"


def _set_label(world: World) -> None:
    ref = world.management.ref("Machine/plain-worker-2")
    world.management.change(ref, {"metadata": {"labels": {"machine-template-hash": "other"}}})


def _set_replicas(world: World) -> None:
    ref = world.management.ref("MachineSet/plain-worker-adopted")
    world.management.change(ref, {"spec": {"replicas": 1}})


@pytest.mark.parametrize("harm", [_set_label, _set_replicas])
def test_a_machine_set_is_not_unpaused_unless_it_has_just_its_machines(harm: Callable[[World], None]) -> None:
    world = unpaused_cluster()
    harm(world)
    with pytest.raises(Refused, match="RP868"):
        world.apply(world.step(MACHINE_SET))
    assert PAUSED in annotations(world, "MachineSet/plain-worker-adopted")


def _no_set(world: World) -> None:
    del world.management.objects[world.management.ref("MachineSet/plain-worker-adopted")]


def _set_not_selected(world: World) -> None:
    ref = world.management.ref("MachineSet/plain-worker-adopted")
    labels = {"cluster.x-k8s.io/deployment-name": "other"}
    world.management.change(ref, {"metadata": {"labels": labels}})


def _deployment_replicas(world: World) -> None:
    ref = world.management.ref("MachineDeployment/plain-worker")
    world.management.change(ref, {"spec": {"replicas": 3}})


@pytest.mark.parametrize("harm", [_no_set, _set_not_selected, _deployment_replicas])
def test_a_deployment_is_not_unpaused_unless_its_machine_set_is_there(harm: Callable[[World], None]) -> None:
    """Without one it makes a MachineSet of its own, and N new machines."""
    world = unpaused_cluster()
    harm(world)
    with pytest.raises(Refused, match="RP868"):
        world.apply(world.step(DEPLOYMENT))
    assert PAUSED in annotations(world, "MachineDeployment/plain-worker")


def test_an_object_that_is_gone_is_not_unpaused() -> None:
    world = unpaused_cluster()
    step = world.step(KCP)
    del world.management.objects[world.management.ref("KubeadmControlPlane/plain-control-plane")]
    with pytest.raises(Refused, match="RP869"):
        world.apply(step)


def test_undo_restores_pauses_and_nodes_as_they_were_found() -> None:
    world = World().written()
    before = copy.deepcopy(world.workload.objects)
    adopted = World().adopted()
    assert adopted.workload.objects != before
    for step in reversed(adopted.steps()):
        if step.kind.startswith("cluster-api.unpause"):
            adopted.undo(step)
    assert adopted.management["Cluster/plain"]["spec"]["paused"] is True
    for key in (
        "MachineSet/plain-worker-adopted",
        "MachineDeployment/plain-worker",
        "KubeadmControlPlane/plain-control-plane",
    ):
        assert annotations(adopted, key)[PAUSED] == ""
    for ref, node in adopted.workload.objects.items():
        assert _visible(node) == _visible(before[ref])


def _visible(node: dict[str, object]) -> tuple[object, object]:
    meta = node["metadata"]
    assert isinstance(meta, dict)
    return meta.get("labels"), meta.get("annotations")


def test_undo_leaves_what_others_wrote_on_nodes_meanwhile() -> None:
    world = World().adopted()
    ref = ObjectRef("v1", "Node", "", "plain-worker-1")
    others = {"labels": {"team": "x"}, "annotations": {"example.org/seen": "yes"}}
    world.workload.change(ref, {"metadata": others})
    world.undo(world.step(CLUSTER))
    meta = world.workload.objects[ref]["metadata"]
    assert meta["labels"]["team"] == "x"
    assert meta["annotations"]["example.org/seen"] == "yes"
    assert not any("cluster.x-k8s.io" in name for name in [*meta["labels"], *meta["annotations"]])


def test_undo_puts_back_what_an_earlier_cluster_api_had_written() -> None:
    world = World()
    write_on_node(world, "plain-worker-1")
    ref = ObjectRef("v1", "Node", "", "plain-worker-1")
    old = {"cluster.x-k8s.io/machine": "old", "cluster.x-k8s.io/owner-kind": "MachineSet"}
    world.workload.change(ref, {"metadata": {"annotations": old}})
    before = _visible(copy.deepcopy(world.workload.objects[ref]))
    world.adopted()
    world.workload.change(ref, {"metadata": {"annotations": {"cluster.x-k8s.io/owner-kind": None}}})
    assert _visible(world.workload.objects[ref]) != before
    world.undo(world.step(CLUSTER))
    assert _visible(world.workload.objects[ref]) == before


def test_nodes_are_restored_only_after_the_pause_was_seen() -> None:
    world = World().adopted()
    world.management.reactions.clear()
    world.workload.writes.clear()
    with pytest.raises(Hold, match="RP864"):
        world.undo(world.step(CLUSTER))
    assert world.management["Cluster/plain"]["spec"]["paused"] is True
    assert world.workload.writes == []


def test_a_pause_counts_only_once_the_controller_has_seen_it() -> None:
    world = World().adopted()
    world.management.reactions.clear()
    for part, key in ((KCP, "KubeadmControlPlane/plain-control-plane"), (DEPLOYMENT, "plain-worker")):
        with pytest.raises(Hold, match=f"RP864.*{key}"):
            world.undo(world.step(part))


def test_undo_labels_servers_that_could_not_be_paused() -> None:
    world = World().adopted()
    ref = world.management.ref("OpenStackServer/plain-cp-1")
    world.management.change(ref, {"metadata": {"labels": {"cluster.x-k8s.io/cluster-name": ""}}})
    world.undo(world.step(CLUSTER))
    labels = world.management["OpenStackServer/plain-cp-1"]["metadata"]["labels"]
    assert labels["cluster.x-k8s.io/cluster-name"] == "plain"


def test_undo_of_the_pauses_refuses_where_machines_were_made_and_changes_nothing() -> None:
    world = World().adopted()
    _one_more_machine(world)
    world.management.writes.clear()
    for part in (KCP, DEPLOYMENT, MACHINE_SET, CLUSTER):
        with pytest.raises(Refused, match=r"RP862.*plain-cp-4"):
            world.undo(world.step(part))
    assert world.management.writes == []
    assert golden().machines
