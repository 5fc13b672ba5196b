"""The four managers of a plane: which program each is, where its manifests lie, what clusterctl calls it."""

from __future__ import annotations

from dataclasses import dataclass

from proving_ground.toolchain.groups import group


@dataclass(frozen=True, slots=True)
class Manager:
    """A Cluster API provider's manager. `name`: its binary and program; `source`: its toolchain group;
    `manifests`: its kustomization within the group's module; `provider`, `kind`: its entry in clusterctl's
    inventory; `label`: value of cluster.x-k8s.io/provider (clusterctl's ManifestLabel)."""

    name: str
    source: str
    manifests: str
    provider: str
    kind: str
    label: str

    @property
    def version(self) -> str:
        return group(self.source).version


MANAGERS = (
    Manager("core", "cluster-api", "core/config/default", "cluster-api", "CoreProvider", "cluster-api"),
    Manager(
        "kubeadm-bootstrap",
        "cluster-api",
        "bootstrap/kubeadm/config/default",
        "kubeadm",
        "BootstrapProvider",
        "bootstrap-kubeadm",
    ),
    Manager(
        "kubeadm-control-plane",
        "cluster-api",
        "controlplane/kubeadm/config/default",
        "kubeadm",
        "ControlPlaneProvider",
        "control-plane-kubeadm",
    ),
    Manager(
        "capo",
        "cluster-api-provider-openstack",
        "config/default",
        "openstack",
        "InfrastructureProvider",
        "infrastructure-openstack",
    ),
)
"""In the order in which `clusterctl init` installs them."""

KUBERNETES = "kubernetes-1.35"
"""The toolchain group of the plane's API server."""

RESOURCE_CONTROLLER = "openstack-resource-controller"
"""Only its CRDs: Cluster API Provider OpenStack watches `Image`, and needs no controller for it as long as
machines name their image by `id`."""

TOOLCHAIN = (KUBERNETES, "etcd", "cluster-api", "cluster-api-provider-openstack", RESOURCE_CONTROLLER)
"""What must be built before a plane can come up."""
