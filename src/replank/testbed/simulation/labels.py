"""Labels, annotations and finalizers of Cluster API and CAPO, as their sources spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
CONTROL_PLANE: Final = "cluster.x-k8s.io/control-plane"
CONTROL_PLANE_NAME: Final = "cluster.x-k8s.io/control-plane-name"
DEPLOYMENT_NAME: Final = "cluster.x-k8s.io/deployment-name"
SET_NAME: Final = "cluster.x-k8s.io/set-name"
TEMPLATE_HASH: Final = "machine-template-hash"
PAUSED: Final = "cluster.x-k8s.io/paused"
DELETE_MACHINE: Final = "cluster.x-k8s.io/delete-machine"
CLONED_FROM_NAME: Final = "cluster.x-k8s.io/cloned-from-name"
CLONED_FROM_KIND: Final = "cluster.x-k8s.io/cloned-from-groupkind"
REVISION: Final = "machinedeployment.clusters.x-k8s.io/revision"
PRE_DRAIN: Final = "pre-drain.delete.hook.machine.cluster.x-k8s.io/"
PRE_TERMINATE: Final = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/"
KCP_HOOK: Final = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/kcp-cleanup"
SECRET_TYPE: Final = "cluster.x-k8s.io/secret"  # noqa: S105  (the name of a type)

FINALIZERS: Final = {
    "Cluster": "cluster.cluster.x-k8s.io",
    "Machine": "machine.cluster.x-k8s.io",
    "MachineSet": "cluster.x-k8s.io/machineset",
    "MachineDeployment": "cluster.x-k8s.io/machinedeployment",
    "KubeadmControlPlane": "kubeadm.controlplane.cluster.x-k8s.io",
    "OpenStackCluster": "openstackcluster.infrastructure.cluster.x-k8s.io",
    "OpenStackMachine": "openstackmachine.infrastructure.cluster.x-k8s.io",
    "OpenStackServer": "openstackserver.infrastructure.cluster.x-k8s.io",
}

API_VERSIONS: Final = {
    **dict.fromkeys(("Cluster", "Machine", "MachineSet", "MachineDeployment"), "cluster.x-k8s.io/v1beta2"),
    **dict.fromkeys(("KubeadmConfig", "KubeadmConfigTemplate"), "bootstrap.cluster.x-k8s.io/v1beta2"),
    "KubeadmControlPlane": "controlplane.cluster.x-k8s.io/v1beta2",
    **dict.fromkeys(
        ("OpenStackCluster", "OpenStackMachine", "OpenStackMachineTemplate"),
        "infrastructure.cluster.x-k8s.io/v1beta1",
    ),
    "OpenStackServer": "infrastructure.cluster.x-k8s.io/v1alpha1",
    "Secret": "v1",
    "Node": "v1",
}
"""The versions that the controllers themselves write."""


def labels_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.labels, empty where there are none."""
    return document["metadata"].get("labels") or {}


def annotations_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.annotations, empty where there are none."""
    return document["metadata"].get("annotations") or {}


def matches(document: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """True where it carries every one of the labels."""
    has = labels_of(document)
    return all(has.get(key) == value for key, value in wanted.items())
