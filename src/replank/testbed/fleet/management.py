"""The management cluster: an API server with Cluster API and its OpenStack provider installed.

Labels, names and groups: cluster-api v1.14 and CAPO v0.14.7 release manifests, clusterctl's inventory objects
(cmd/clusterctl/api/v1alpha3). The schemas are left open: a plan is validated against upstream's own, which
this project does not copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import Authority
from replank.testbed.world import ApiServer, Document

VERSION = "v1.35.4"


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    type: str
    version: str
    namespace: str
    deployment: str
    image: str

    @property
    def label(self) -> str:
        """Value of the label cluster.x-k8s.io/provider."""
        prefix = {"BootstrapProvider": "bootstrap-", "ControlPlaneProvider": "control-plane-"}
        prefix |= {"InfrastructureProvider": "infrastructure-", "CoreProvider": ""}
        return prefix[self.type] + self.name


_PROVIDERS = (
    _Provider(
        "cluster-api",
        "CoreProvider",
        "v1.14.0",
        "capi-system",
        "capi-controller-manager",
        "registry.k8s.io/cluster-api/cluster-api-controller:v1.14.0",
    ),
    _Provider(
        "kubeadm",
        "BootstrapProvider",
        "v1.14.0",
        "capi-kubeadm-bootstrap-system",
        "capi-kubeadm-bootstrap-controller-manager",
        "registry.k8s.io/cluster-api/kubeadm-bootstrap-controller:v1.14.0",
    ),
    _Provider(
        "kubeadm",
        "ControlPlaneProvider",
        "v1.14.0",
        "capi-kubeadm-control-plane-system",
        "capi-kubeadm-control-plane-controller-manager",
        "registry.k8s.io/cluster-api/kubeadm-control-plane-controller:v1.14.0",
    ),
    _Provider(
        "openstack",
        "InfrastructureProvider",
        "v0.14.7",
        "capo-system",
        "capo-controller-manager",
        "registry.k8s.io/capi-openstack/capi-openstack-controller:v0.14.7",
    ),
)
_BOTH = ("v1beta2", "v1beta1")
_OPEN_SCHEMA: Document = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
# group -> (provider's label, {kind: versions served, storage first})
_KINDS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "cluster.x-k8s.io": (
        "cluster-api",
        dict.fromkeys(
            (
                "Cluster",
                "Machine",
                "MachineSet",
                "MachineDeployment",
                "MachinePool",
                "MachineHealthCheck",
                "ClusterClass",
            ),
            _BOTH,
        ),
    ),
    "bootstrap.cluster.x-k8s.io": (
        "bootstrap-kubeadm",
        dict.fromkeys(("KubeadmConfig", "KubeadmConfigTemplate"), _BOTH),
    ),
    "controlplane.cluster.x-k8s.io": (
        "control-plane-kubeadm",
        dict.fromkeys(("KubeadmControlPlane", "KubeadmControlPlaneTemplate"), _BOTH),
    ),
    "infrastructure.cluster.x-k8s.io": (
        "infrastructure-openstack",
        {
            **dict.fromkeys(
                (
                    *("OpenStackCluster", "OpenStackClusterTemplate"),
                    *("OpenStackMachine", "OpenStackMachineTemplate"),
                ),
                ("v1beta1", "v1alpha7"),
            ),
            **dict.fromkeys(("OpenStackServer", "OpenStackClusterIdentity"), ("v1alpha1",)),
        },
    ),
    # CAPO watches ORC's Image always; the CRDs come from ORC's own manifest, without a provider's labels.
    "openstack.k-orc.cloud": ("", dict.fromkeys(("Image", "Flavor", "Network", "Subnet"), ("v1alpha1",))),
}


def make_management(mint: Mint, now: datetime) -> tuple[ApiServer, str, str]:
    """The management cluster's API, and the operator's client certificate and key for it (PEM)."""
    authority = Authority(mint, now, "kubernetes", "management")
    sans = ("kubernetes", "mgmt.example.org", "10.19.0.10", "127.0.0.1")
    server = authority.issue("kube-apiserver", sans=sans, server=True)
    client = authority.issue("kubernetes-admin", organization="kubeadm:cluster-admins", client=True)
    objects = [_namespace(mint, name) for name in _namespaces()]
    for provider in _PROVIDERS:
        objects += [_inventory(mint, provider), _deployment(mint, provider)]
    for group, (label, kinds) in _KINDS.items():
        objects += [_definition(mint, group, label, kind, versions) for kind, versions in kinds.items()]
    objects.append(_definition(mint, "clusterctl.cluster.x-k8s.io", "cluster-api", "Provider", ("v1alpha3",)))
    api = ApiServer(
        version=VERSION,
        ca_cert=authority.pair.cert,
        server_cert=server.cert,
        server_key=server.key,
        objects=objects,
    )
    return api, client.cert, client.key


def _namespaces() -> list[str]:
    return sorted({"default", "kube-system", "fleet", *(provider.namespace for provider in _PROVIDERS)})


def _metadata(mint: Mint, kind: str, name: str, namespace: str = "", **labels: str) -> Document:
    metadata: Document = {
        "name": name,
        "uid": mint.uuid("management", kind, namespace, name),
        "resourceVersion": str(1000 + mint.number("management", kind, namespace, name, below=90000)),
        "creationTimestamp": "2026-05-04T10:00:00Z",
    }
    return metadata | ({"namespace": namespace} if namespace else {}) | ({"labels": labels} if labels else {})


def _namespace(mint: Mint, name: str) -> Document:
    metadata = _metadata(mint, "Namespace", name)
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}


def _inventory(mint: Mint, provider: _Provider) -> Document:
    labels = {"cluster.x-k8s.io/provider": provider.label, "clusterctl.cluster.x-k8s.io": ""}
    return {
        "apiVersion": "clusterctl.cluster.x-k8s.io/v1alpha3",
        "kind": "Provider",
        "metadata": _metadata(mint, "Provider", provider.label, provider.namespace, **labels),
        "providerName": provider.name,
        "type": provider.type,
        "version": provider.version,
    }


def _deployment(mint: Mint, provider: _Provider) -> Document:
    labels = {"cluster.x-k8s.io/provider": provider.label, "control-plane": "controller-manager"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "manager", "image": provider.image}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(mint, "Deployment", provider.deployment, provider.namespace, **labels),
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        "status": {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1},
    }


def _definition(mint: Mint, group: str, label: str, kind: str, versions: tuple[str, ...]) -> Document:
    # English plurals as the providers' CRDs have them.
    plural = (
        f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}{'es' * kind.endswith('ss')}"
    )
    plural = plural if plural.endswith(("ies", "sses")) else f"{plural}s"
    labels = {"cluster.x-k8s.io/provider": label, "clusterctl.cluster.x-k8s.io": ""} if label else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": _metadata(mint, "CustomResourceDefinition", f"{plural}.{group}", **labels),
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Cluster" if kind == "OpenStackClusterIdentity" else "Namespaced",
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": index == 0,
                    "schema": {"openAPIV3Schema": _OPEN_SCHEMA},
                }
                for index, version in enumerate(versions)
            ],
        },
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    }
