"""Nodes as kubelet, kubeadm and the cloud provider leave them."""

from __future__ import annotations

from replank.testbed.fleet.kube.objects import make
from replank.testbed.fleet.kubelet import runtime_endpoint
from replank.testbed.fleet.layout import FLAVORS, REGION, ClusterLayout, MachineLayout
from replank.testbed.world import Document

CONTAINERD = "1.7.29"
DOCKER = "28.5.2"
_CONTROL_PLANE_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}


def node_objects(layout: ClusterLayout) -> list[Document]:
    """One Node for each machine."""
    return [_node(layout, machine, index) for index, machine in enumerate(layout.machines)]


def _node(layout: ClusterLayout, machine: MachineLayout, index: int) -> Document:
    pod_cidr = f"{layout.spec.pod_cidr.rsplit('.', 2)[0]}.{index}.0/24"
    spec: Document = {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]}
    if machine.provider_id:
        spec["providerID"] = machine.provider_id
    if taints := _taints(machine):
        spec["taints"] = taints
    annotations = {
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "csi.volume.kubernetes.io/nodeid": f'{{"cinder.csi.openstack.org":"{machine.server_id}"}}',
    }
    # kubeadm 1.34 and later keep the socket in instance-config.yaml instead (NodeLocalCRISocket).
    if layout.minor < 34:
        annotations["kubeadm.alpha.kubernetes.io/cri-socket"] = runtime_endpoint(machine)
    return make(
        layout,
        "v1",
        "Node",
        machine.name,
        labels=_labels(layout, machine),
        annotations=annotations,
        spec=spec,
        status=_status(layout, machine),
    )


def _labels(layout: ClusterLayout, machine: MachineLayout) -> dict[str, str]:
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": machine.name,
        "kubernetes.io/os": "linux",
    }
    if machine.provider_id:
        labels |= {
            "beta.kubernetes.io/instance-type": layout.cloud.flavor_id(machine.flavor),
            "node.kubernetes.io/instance-type": layout.cloud.flavor_id(machine.flavor),
            "failure-domain.beta.kubernetes.io/region": REGION,
            "failure-domain.beta.kubernetes.io/zone": machine.zone,
            "topology.kubernetes.io/region": REGION,
            "topology.kubernetes.io/zone": machine.zone,
            "topology.cinder.csi.openstack.org/zone": machine.zone,
        }
    if machine.control_plane:
        labels["node-role.kubernetes.io/control-plane"] = ""
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
    if machine.group:
        labels |= machine.group.labels
    return labels


def _taints(machine: MachineLayout) -> list[Document]:
    if machine.group is None:
        return [dict(_CONTROL_PLANE_TAINT)]
    taints = []
    for text in machine.group.taints:
        pair, _, effect = text.rpartition(":")
        key, _, value = pair.partition("=")
        taints.append({"key": key, "value": value, "effect": effect})
    return taints


def _status(layout: ClusterLayout, machine: MachineLayout) -> Document:
    vcpus, ram, disk = FLAVORS[machine.flavor]
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    stamp = {"lastHeartbeatTime": layout.timestamp(900), "lastTransitionTime": layout.timestamp(420)}
    max_pods = str((machine.group.kubelet_config if machine.group else {}).get("maxPods", 110))
    return {
        "addresses": [
            {"type": "InternalIP", "address": machine.address},
            {"type": "Hostname", "address": machine.name},
        ],
        "capacity": {
            "cpu": str(vcpus),
            "memory": f"{ram * 1004}Ki",
            "ephemeral-storage": f"{disk * 1014000}Ki",
            "pods": max_pods,
        },
        "allocatable": {"cpu": str(vcpus), "memory": f"{ram * 904}Ki", "pods": max_pods},
        "conditions": [
            *({"type": kind, "status": "False", "reason": "Sufficient", **stamp} for kind in pressures),
            {"type": "Ready", "status": "True", "reason": "KubeletReady", **stamp},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "architecture": "amd64",
            "bootID": layout.id("boot", machine.name),
            "containerRuntimeVersion": f"docker://{DOCKER}"
            if machine.docker
            else f"containerd://{CONTAINERD}",
            "kernelVersion": "6.8.0-79-generic",
            "kubeProxyVersion": "",
            "kubeletVersion": layout.spec.version,
            "machineID": layout.machine_id(machine),
            "operatingSystem": "linux",
            "osImage": "Ubuntu 24.04.3 LTS",
            "systemUUID": machine.server_id,
        },
        "images": [],
    }
