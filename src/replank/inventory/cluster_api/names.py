"""Names of Cluster API's objects, labels and annotations.

Source: cluster-api v1.14.0 (api/core/v1beta2, api/controlplane/kubeadm/v1beta2) and
cluster-api-provider-openstack v0.14.7 (api/v1beta1, api/v1alpha1).
"""

from __future__ import annotations

from typing import Final

CORE: Final = "cluster.x-k8s.io/v1beta2"
BOOTSTRAP: Final = "bootstrap.cluster.x-k8s.io/v1beta2"
CONTROL_PLANE: Final = "controlplane.cluster.x-k8s.io/v1beta2"
INFRASTRUCTURE: Final = "infrastructure.cluster.x-k8s.io/v1beta1"
SERVERS: Final = "infrastructure.cluster.x-k8s.io/v1alpha1"

CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
CONTROL_PLANE_LABEL: Final = "cluster.x-k8s.io/control-plane"
PAUSED: Final = "cluster.x-k8s.io/paused"
SKIPS: Final = ("controlplane.cluster.x-k8s.io/skip-kube-proxy", "controlplane.cluster.x-k8s.io/skip-coredns")
"""Annotations that keep KCP from changing kube-proxy and CoreDNS."""
PRE_DRAIN: Final = "pre-drain.delete.hook.machine.cluster.x-k8s.io/replank"
PRE_TERMINATE: Final = "pre-terminate.delete.hook.machine.cluster.x-k8s.io/replank"
NO_USER_DATA: Final = "adopted-no-user-data"
"""The bootstrap Secret of an adopted Machine, which must not exist: CAPO reads user data only to create a
server, so a name that does not match ends in an error instead of a new server
(controllers/openstackserver_controller.go, getUserDataSecretValue)."""
HOOKS: Final = (PRE_DRAIN, PRE_TERMINATE)
"""replank's hooks on a Machine: Cluster API neither drains nor terminates it before they are taken off."""
