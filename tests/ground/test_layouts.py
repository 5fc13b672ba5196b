"""Clusters that others made than the platform team itself: they are what their makers leave, and replank's
audit is true of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from findings import differences, expected
from shell import replank

from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario.fresh import KUBESPRAY, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.operator import write_fleet_file
from proving_ground.settings import Folders

# It compiles the OpenStack provider's old version.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def kubespray(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane with etcd and one worker as Kubespray makes them; destroyed afterwards."""
    try:
        yield fresh_cluster(ground, KUBESPRAY, progress)
    finally:
        create.destroy(ground, KUBESPRAY, progress)


def on_machine(ground: Folders, machine: tofu.Machine, command: str) -> str:
    """stdout of a command as root."""
    hosts = create.known_hosts(ground, KUBESPRAY)
    return ssh.run(ground, hosts, machine.address, f"sudo sh -c '{command}'").decode()


@pytest.mark.usefixtures("kubespray")
def test_etcd_of_a_kubespray_cluster_is_a_service_of_the_host(ground: Folders) -> None:
    first = tofu.read(ground, KUBESPRAY).control_planes[0]
    listed = on_machine(ground, first, "set -a; . /etc/etcd.env; etcdctl member list")
    assert [line.split(", ")[2] for line in listed.splitlines()] == ["etcd1"]
    assert on_machine(ground, first, "systemctl is-active etcd").strip() == "active"
    assert "etcd" not in on_machine(ground, first, "ls /etc/kubernetes/manifests")


@pytest.mark.usefixtures("kubespray")
def test_a_worker_of_a_kubespray_cluster_reaches_the_api_through_its_own_proxy(ground: Folders) -> None:
    worker = tofu.read(ground, KUBESPRAY).workers[0]
    kubeconfig = yaml.safe_load(on_machine(ground, worker, "cat /etc/kubernetes/kubelet.conf"))
    assert [entry["cluster"]["server"] for entry in kubeconfig["clusters"]] == ["https://localhost:6443"]
    flags = on_machine(ground, worker, "tr \\\\0 \\\\n < /proc/$(pidof kubelet)/cmdline").splitlines()
    assert f"--hostname-override={worker.name}" in flags
    assert "--config=/etc/kubernetes/kubelet-config.yaml" in flags


def test_nothing_writes_providerids_in_a_kubespray_cluster(kubespray: Kube) -> None:
    assert [node["spec"].get("providerID", "") for node in kubespray.list("Node")] == ["", ""]


@pytest.mark.usefixtures("kubespray")
def test_a_kubespray_cluster_leaves_its_inventory(ground: Folders) -> None:
    machines = tofu.read(ground, KUBESPRAY)
    file = ground.cluster(KUBESPRAY.name) / "ansible" / "inventory" / "hosts.yaml"
    groups = yaml.safe_load(file.read_text())["all"]["children"]
    assert list(groups["kube_control_plane"]["hosts"]) == [m.name for m in machines.control_planes]
    assert list(groups["etcd"]["hosts"]) == [m.name for m in machines.control_planes]
    assert list(groups["kube_node"]["hosts"]) == [m.name for m in machines.workers]


@pytest.mark.usefixtures("kubespray")
def test_audit_of_a_kubespray_cluster_says_exactly_what_is_true(
    ground: Folders, progress: Progress, tmp_path: Path
) -> None:
    fleet, snapshots = tmp_path / "fleet.yaml", tmp_path / "snapshots"
    write_fleet_file(ground, [KUBESPRAY], fleet)
    with progress.step("kubespray: survey, audit"):
        replank("survey", "--workers", "--fleet", fleet, "--snapshots", snapshots, accept=(0, 2))
        asked = ("--fleet", fleet, "--snapshots", snapshots, "--json", "--fail-on", "never", "kubespray")
        found = json.loads(replank("audit", *asked, accept=(0, 2)))["kubespray"]
    wrong = differences(expected("kubespray"), found)
    assert not wrong, "\n".join(["the audit differs from what is true of the cluster:", *wrong])
