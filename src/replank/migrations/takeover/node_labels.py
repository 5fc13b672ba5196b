"""Who sets which label and taint on a Node: the cloud, kubeadm, the kubelet, Cluster API, or a person.

Sources: k8s.io/kubernetes v1.34 (kubelet/apis/well_known_labels.go: what a kubelet may set on itself),
cluster-api v1.14.0 (core/reconcilers/machine: labels that are synced from a Machine to its Node).
"""

from __future__ import annotations

from dataclasses import dataclass

from replank.inventory.facts.kubernetes import Node, Taint

_BY_ITSELF = frozenset(
    {
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "node.kubernetes.io/exclude-from-external-load-balancers",
        "node.kubernetes.io/instance-type",
        "node-role.kubernetes.io/control-plane",
        "node-role.kubernetes.io/master",
        "nvidia.com/gfd.timestamp",
    }
)
_BY_ITSELF_DOMAINS = (
    "beta.kubernetes.io",
    "cluster.x-k8s.io",
    "failure-domain.beta.kubernetes.io",
    "feature.node.kubernetes.io",
    "topology.cinder.csi.openstack.org",
    "topology.kubernetes.io",
)
_BY_CLUSTER_API_DOMAINS = (
    "node-role.kubernetes.io",
    "node-restriction.kubernetes.io",
    "node.cluster.x-k8s.io",
)
_BY_KUBELET_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_PASSING_TAINTS = (
    "DeletionCandidateOfClusterAutoscaler",
    "ToBeDeletedByClusterAutoscaler",
    "node.cloudprovider.kubernetes.io/",
    "node.cluster.x-k8s.io/",
    "node.kubernetes.io/",
)

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenLabels:
    """Labels that somebody gave a Node on purpose.

    `machine`: Cluster API can carry them from Machine to Node. `kubelet`: the kubelet may set them itself
    when it registers. `nobody`: neither may, so a new machine comes without.
    """

    machine: Labels = ()
    kubelet: Labels = ()
    nobody: Labels = ()


def given_labels(node: Node) -> GivenLabels:
    """The labels of a Node that are neither automatic nor its own identity."""
    machine: list[tuple[str, str]] = []
    kubelet: list[tuple[str, str]] = []
    nobody: list[tuple[str, str]] = []
    for key, value in sorted(node.labels.items()):
        domain = key.rpartition("/")[0]
        if key in _BY_ITSELF or _within(domain, _BY_ITSELF_DOMAINS) or value == node.name:
            continue
        if _within(domain, _BY_CLUSTER_API_DOMAINS):
            machine.append((key, value))
        elif _within(domain, _BY_KUBELET_DOMAINS) or not _within(domain, ("kubernetes.io", "k8s.io")):
            kubelet.append((key, value))
        else:
            nobody.append((key, value))
    return GivenLabels(machine=tuple(machine), kubelet=tuple(kubelet), nobody=tuple(nobody))


def lasting_taints(node: Node) -> tuple[Taint, ...]:
    """The taints that do not come and go with the Node's condition, sorted."""
    lasting = (t for t in node.taints if not t.key.startswith(_PASSING_TAINTS))
    return tuple(sorted(lasting, key=lambda t: (t.key, t.effect, t.value)))


def _within(domain: str, domains: tuple[str, ...]) -> bool:
    return any(domain == d or domain.endswith(f".{d}") for d in domains)
