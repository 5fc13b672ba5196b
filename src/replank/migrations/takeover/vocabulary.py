"""Names of Cluster API that the planner writes: API groups, labels, annotations.

Source: cluster-api v1.14.0 (api/core/v1beta2, api/controlplane/kubeadm/v1beta2) and
cluster-api-provider-openstack v0.14.7 (api/v1beta1).
"""

from __future__ import annotations

from typing import Final

from replank.inventory.cluster_api import names
from replank.plan.takeover import Targets

CORE: Final = "cluster.x-k8s.io"
BOOTSTRAP: Final = "bootstrap.cluster.x-k8s.io"
CONTROL_PLANE: Final = "controlplane.cluster.x-k8s.io"
INFRASTRUCTURE: Final = "infrastructure.cluster.x-k8s.io"

CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
CONTROL_PLANE_LABEL: Final = "cluster.x-k8s.io/control-plane"
CONTROL_PLANE_NAME: Final = "cluster.x-k8s.io/control-plane-name"
DEPLOYMENT_NAME: Final = "cluster.x-k8s.io/deployment-name"
SET_NAME: Final = "cluster.x-k8s.io/set-name"
TEMPLATE_HASH: Final = "machine-template-hash"
MOVE: Final = "clusterctl.cluster.x-k8s.io/move"

PAUSED: Final = "cluster.x-k8s.io/paused"
SKIP_KUBE_PROXY: Final = "controlplane.cluster.x-k8s.io/skip-kube-proxy"
SKIP_COREDNS: Final = "controlplane.cluster.x-k8s.io/skip-coredns"
CLONED_FROM_NAME: Final = "cluster.x-k8s.io/cloned-from-name"
CLONED_FROM_GROUP_KIND: Final = "cluster.x-k8s.io/cloned-from-groupkind"
PRE_DRAIN_GUARD: Final = names.PRE_DRAIN
PRE_TERMINATE_GUARD: Final = names.PRE_TERMINATE

ADOPTED: Final = "adopted"
"""Value of the template hash, and suffix of what stands for the machines as they were found."""

NO_USER_DATA: Final = names.NO_USER_DATA

GUARDS: Final = {PRE_DRAIN_GUARD: "", PRE_TERMINATE_GUARD: ""}

TEMPLATE_KIND: Final = "OpenStackMachineTemplate"


OWN_JUDGE: Final = "replank"
"""`Judgement.by` where replank's own comparison judged."""

JUDGED_BY_REPLANK: Final = "judged-by-replank"
"""The word that approves unpausing KCP on replank's comparison alone."""

_JUDGES_SINCE: Final = (1, 14)


def judged_upstream(targets: Targets) -> bool:
    """Whether upstream's own code can judge: UpToDate and MachineTemplateUpToDate are exported from v1.14."""
    parts = targets.cluster_api.removeprefix("v").split(".")
    return tuple(int(part) for part in parts[:2]) >= _JUDGES_SINCE


def core_version(targets: Targets) -> str:
    """apiVersion of Cluster, Machine, MachineSet and MachineDeployment."""
    return f"{CORE}/{targets.cluster_api_version}"


def bootstrap_version(targets: Targets) -> str:
    """apiVersion of KubeadmConfig and KubeadmConfigTemplate."""
    return f"{BOOTSTRAP}/{targets.cluster_api_version}"


def control_plane_version(targets: Targets) -> str:
    """apiVersion of KubeadmControlPlane."""
    return f"{CONTROL_PLANE}/{targets.cluster_api_version}"


def infrastructure_version(targets: Targets) -> str:
    """apiVersion of OpenStackCluster, OpenStackMachine and OpenStackMachineTemplate."""
    return f"{INFRASTRUCTURE}/{targets.capo_api_version}"
