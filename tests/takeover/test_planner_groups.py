"""Worker groups: who is alike, what groups are called, what their templates carry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planner_cases import (
    SETTINGS,
    boot_from_volume,
    cloud_of,
    healthy,
    kubernetes_of,
    two_worker_groups,
    with_cloud,
    with_kubernetes,
    with_nodes,
    with_servers,
)
from planner_words import differences, plan, spec_of

from replank.domain.unknown import is_known
from replank.inventory.fleet.model import NewMachines


def test_unlike_workers_become_groups_that_are_named_as_short_as_tells_them_apart() -> None:
    found = {g.name: g.machines for g in plan(two_worker_groups()).groups if g.role == "worker"}
    assert found == {
        "plain-g1-gpu": ("plain-gpu-1", "plain-gpu-2"),
        "plain-m1-worker": ("plain-worker-1", "plain-worker-2"),
    }


def test_groups_of_one_flavor_are_named_by_zone() -> None:
    spread = with_servers(
        healthy(), lambda s: replace(s, availability_zone="az2") if s.name == "plain-worker-2" else s
    )
    assert [g.name for g in plan(spread).groups if g.role == "worker"] == ["plain-az1", "plain-az2"]


def test_group_names_of_fleet_yaml_win_over_likeness() -> None:
    snapshot = two_worker_groups()
    machines = tuple(
        replace(m, group="general") if m.name in ("plain-worker-1", "plain-gpu-1") else m
        for m in snapshot.machines
    )
    found = {g.name: g.machines for g in plan(replace(snapshot, machines=machines)).groups}
    assert found["plain-general"] == ("plain-gpu-1", "plain-worker-1")
    assert found["plain-g1-gpu"] == ("plain-gpu-2",)
    assert found["plain-m1-worker"] == ("plain-worker-2",)


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        ("Big Ones", "big-ones", ["plain-big-ones"]),
        ("control-plane", "plain-x", ["plain-control-plane-workers", "plain-x"]),
        ("worker", "", ["plain-m1-worker", "plain-worker"]),
    ],
)
def test_group_names_never_make_two_groups_one_object(one: str, other: str, names: list[str]) -> None:
    snapshot = healthy()
    groups = {"plain-worker-1": one, "plain-worker-2": other}
    machines = tuple(replace(m, group=groups.get(m.name, "")) for m in snapshot.machines)
    of = plan(replace(snapshot, machines=machines))
    assert [g.name for g in of.groups if g.role == "worker"] == names
    deployments = [name for name in of.manifests if name.startswith("MachineDeployment/")]
    assert sorted(deployments) == [f"MachineDeployment/{name}" for name in names]
    assert "KubeadmControlPlane/plain-control-plane" in of.manifests


def test_machines_that_are_forced_together_are_compared_field_by_field() -> None:
    snapshot = two_worker_groups()
    machines = tuple(replace(m, group="all") if m.role == "worker" else m for m in snapshot.machines)
    odd = {(d.field, d.machine) for d in differences(plan(replace(snapshot, machines=machines)), "plain-all")}
    unlike = {machine for field, machine in odd if field == "flavor"}
    assert unlike in ({"plain-gpu-1", "plain-gpu-2"}, {"plain-worker-1", "plain-worker-2"})
    assert {field for field, machine in odd if machine in unlike} >= {
        "flavor",
        "zone",
        "taints",
        "labels",
        "labels of its Machine",
        "most pods",
    }


def test_worker_template_carries_labels_taints_and_pod_limit() -> None:
    of = plan(two_worker_groups())
    registration = spec_of(of, "KubeadmConfigTemplate/plain-g1-gpu")["template"]["spec"]["joinConfiguration"][
        "nodeRegistration"
    ]
    assert {a["name"]: a["value"] for a in registration["kubeletExtraArgs"]} == {
        "cloud-provider": "external",
        "max-pods": "250",
        "node-labels": "example.org/pool=gpu",
    }
    assert registration["taints"] == [
        {"key": "example.org/dedicated", "value": "gpu", "effect": "NoSchedule"}
    ]
    for kind in ("MachineDeployment/plain-g1-gpu", "MachineSet/plain-g1-gpu-adopted"):
        labels = spec_of(of, kind)["template"]["metadata"]["labels"]
        assert labels["node-role.kubernetes.io/gpu"] == ""
        assert "node-role.kubernetes.io/gpu" not in spec_of(of, kind)["selector"]["matchLabels"]


def test_new_machines_are_made_of_what_the_operator_names() -> None:
    settings = replace(SETTINGS, new_machines=NewMachines(image="no-such-image", ssh_key="ops"))
    of = plan(healthy(), settings)
    spec = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert spec["image"] == {"filter": {"name": "no-such-image"}}
    assert spec["sshKeyName"] == "ops"
    changes = {(d.field, d.template) for d in differences(of, "plain-worker")}
    assert {("image", "no-such-image"), ("keypair", "ops")} <= changes
    control_plane = spec_of(of, "OpenStackMachineTemplate/plain-control-plane-adopted")["template"]["spec"]
    assert set(control_plane["image"]) == {"id"}


@pytest.mark.parametrize("shown", [True, False])
def test_workers_whose_nodes_show_an_external_cloud_provider_keep_it_without_its_manager(shown: bool) -> None:
    """Nobody looked at their kubelets, and there is no cloud controller manager: something stands in."""
    addons = kubernetes_of(healthy()).addons
    assert is_known(addons)
    snapshot = with_kubernetes(healthy(), addons=tuple(a for a in addons if a.kind != "cloud-provider"))
    if not shown:
        snapshot = with_nodes(snapshot, lambda node: replace(node, annotation_keys=()))
    spec = spec_of(plan(snapshot), "KubeadmConfigTemplate/plain-worker")["template"]["spec"]
    flags = spec["joinConfiguration"]["nodeRegistration"]["kubeletExtraArgs"]
    assert ({"name": "cloud-provider", "value": "external"} in flags) is shown
    assert {"name": "provider-id", "value": "openstack:///{{ instance_id }}"} in flags


def test_another_image_is_told_by_its_name() -> None:
    images = cloud_of(healthy()).images
    assert is_known(images)
    new = replace(images[0], id="0f7ac2b2-a0c9-4b0c-9a3f-5f0f6f1f7e11", name="ubuntu-24.04-kube-next")
    settings = replace(SETTINGS, new_machines=NewMachines(image=new.name))
    of = plan(with_cloud(healthy(), images=(*images, new)), settings)
    found = {(d.has, d.template) for d in differences(of, "plain-worker") if d.field == "image"}
    assert found == {(f"{images[0].name} ({images[0].id})", f"{new.name} ({new.id})")}


def test_volumes_become_root_volumes_and_what_is_lost_is_listed() -> None:
    of = plan(boot_from_volume())
    spec = spec_of(of, "OpenStackMachineTemplate/plain-worker-adopted")["template"]["spec"]
    assert spec["rootVolume"] == {"sizeGiB": 40, "type": "ssd", "availabilityZone": {"from": "Machine"}}
    assert set(spec["image"]) == {"id"}
    found = {(d.field, d.machine, d.has) for d in differences(of, "plain-worker")}
    assert ("root volume", "plain-worker-2", "60 GiB ssd zone of the machine") in found
    assert ("data volume", "plain-worker-2", "scratch (200 GiB)") in found
