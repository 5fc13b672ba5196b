"""Nodes as facts."""

from __future__ import annotations

from collections.abc import Iterable

from replank.inventory.facts.kubernetes import Node as NodeFact
from replank.inventory.facts.kubernetes import NodeAddress, Taint
from replank.transports.kubernetes.resources import Condition, Node

# kubeadm's constants.AnnotationKubeadmCRISocket: the one annotation whose value is kept.
_CRI_SOCKET = "kubeadm.alpha.kubernetes.io/cri-socket"


def node_facts(nodes: Iterable[Node]) -> tuple[NodeFact, ...]:
    """Sorted by name."""
    return tuple(sorted((_fact(node) for node in nodes), key=lambda fact: fact.name))


def is_true(conditions: Iterable[Condition] | None, kind: str) -> bool:
    """True if the condition `kind` is there and True."""
    return any(c.type == kind and c.status == "True" for c in conditions or ())


def _fact(node: Node) -> NodeFact:
    annotations = node.metadata.annotations or {}
    info = node.status.node_info
    cidrs = node.spec.pod_cidrs or ([node.spec.pod_cidr] if node.spec.pod_cidr else [])
    return NodeFact(
        name=node.metadata.name,
        uid=node.metadata.uid,
        provider_id=node.spec.provider_id,
        system_uuid=info.system_uuid,
        machine_id=info.machine_id,
        addresses=tuple(NodeAddress(type=a.type, address=a.address) for a in node.status.addresses or ()),
        labels=dict(sorted((node.metadata.labels or {}).items())),
        annotation_keys=tuple(sorted(annotations)),
        taints=tuple(Taint(key=t.key, value=t.value, effect=t.effect) for t in node.spec.taints or ()),
        unschedulable=node.spec.unschedulable,
        ready=is_true(node.status.conditions, "Ready"),
        kubelet_version=info.kubelet_version,
        container_runtime=info.container_runtime_version,
        os_image=info.os_image,
        kernel=info.kernel_version,
        architecture=info.architecture,
        cri_socket=annotations.get(_CRI_SOCKET, ""),
        pod_cidrs=tuple(cidrs),
        capacity=dict(sorted((node.status.capacity or {}).items())),
    )
