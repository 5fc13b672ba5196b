"""Defects of Nodes, and how they came to be."""

from __future__ import annotations

from replank.testbed.fleet.defects.defect import (
    Defect,
    first_worker,
    last_control_plane,
    last_worker,
    second_worker,
)
from replank.testbed.fleet.layout import MachineLayout
from replank.testbed.fleet.made import Made


def not_ready(made: Made, machine: MachineLayout) -> None:
    """The Node's kubelet has stopped to report."""
    for condition in made.node(machine)["status"]["conditions"]:
        condition["status"] = "Unknown"
        condition["reason"] = "NodeStatusUnknown"


def _cordoned(made: Made) -> None:
    spec = made.node(first_worker(made.layout))["spec"]
    spec["unschedulable"] = True
    taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    spec.setdefault("taints", []).append(taint)


def _provider_id_empty(made: Made) -> None:
    made.node(second_worker(made.layout))["spec"].pop("providerID", None)


def _provider_id_region(made: Made) -> None:
    machine = last_worker(made.layout)
    made.node(machine)["spec"]["providerID"] = f"openstack://RegionTwo/{machine.server_id}"


def _provider_id_of_another(made: Made) -> None:
    """A Node object that survived the replacement of its server."""
    other = made.layout.id("replaced-server")
    made.node(last_worker(made.layout))["spec"]["providerID"] = f"openstack:///{other}"


def _kubelet_skew(made: Made) -> None:
    """A worker that two upgrades have left out."""
    machine = first_worker(made.layout)
    old = f"v1.{made.layout.minor - 2}.9"
    made.node(machine)["status"]["nodeInfo"]["kubeletVersion"] = old
    host = made.host(machine)
    for package in ("kubelet", "kubeadm", "kubectl"):
        host.packages[package] = f"{old[1:]}-1.1"


def _control_plane_skew(made: Made) -> None:
    """An upgrade of the control plane that stopped before the last machine."""
    machine = last_control_plane(made.layout)
    old = f"v1.{made.layout.minor - 1}.9"
    made.node(machine)["status"]["nodeInfo"]["kubeletVersion"] = old
    for component in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        pod = made.object("Pod", f"{component}-{machine.name}")
        for container in pod["spec"]["containers"]:
            container["image"] = f"registry.k8s.io/{component}:{old}"
        path = f"/etc/kubernetes/manifests/{component}.yaml"
        entry = made.host(machine).files[path]
        entry.content = entry.content.replace(f":{made.layout.spec.version}".encode(), f":{old}".encode())


def _stray_node(made: Made) -> None:
    """A Node whose server never was OpenStack's: bare metal joined by hand."""
    source = made.node(first_worker(made.layout))
    name = f"{made.layout.name}-metal-1"
    uid = made.layout.id("stray-node")
    node = {**source, "metadata": {**source["metadata"], "name": name, "uid": uid}}
    info = {**source["status"]["nodeInfo"], "systemUUID": made.layout.id("stray-machine")}
    addresses = [
        {"type": "InternalIP", "address": "192.0.2.77"},
        {"type": "Hostname", "address": name},
    ]
    node["status"] = {**source["status"], "nodeInfo": info, "addresses": addresses}
    node["spec"] = {key: value for key, value in source["spec"].items() if key != "providerID"}
    node["metadata"]["labels"] = {**source["metadata"]["labels"], "kubernetes.io/hostname": name}
    made.cluster.api.objects.append(node)


DEFECTS = (
    Defect("node-cordoned", "a worker is cordoned", _cordoned),
    Defect("provider-id-empty", "a Node has no providerID", _provider_id_empty),
    Defect("provider-id-region", "a Node's providerID names another region", _provider_id_region),
    Defect("provider-id-other", "a Node's providerID names another server", _provider_id_of_another),
    Defect("kubelet-skew", "a worker's kubelet is two minors behind", _kubelet_skew),
    Defect("control-plane-skew", "a control plane is one minor behind the others", _control_plane_skew),
    Defect("stray-node", "a Node has no server in the cloud", _stray_node),
)
