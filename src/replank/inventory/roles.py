"""What a server is for, read from what people and tools wrote about it.

Each hint is evidence, not truth: a Node's labels and an operator's override decide, the rest only where
neither is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from replank.domain.roles import Role
from replank.inventory.facts.identity import Evidence
from replank.inventory.facts.kubernetes import Node

CONTROL_PLANE_LABELS = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")

_METADATA_WORDS: tuple[tuple[Role, frozenset[str]], ...] = (
    (
        Role.CONTROL_PLANE,
        frozenset(
            {"kube_control_plane", "kube-master", "master", "control-plane", "controlplane", "controller"}
        ),
    ),
    (Role.WORKER, frozenset({"kube_node", "kube-node", "worker", "node"})),
    (Role.ETCD, frozenset({"etcd"})),
    (Role.BASTION, frozenset({"bastion", "jump"})),
)
_NAME_WORDS: tuple[tuple[Role, frozenset[str]], ...] = (
    (Role.BASTION, frozenset({"bastion", "jump", "jumphost"})),
    (Role.LOAD_BALANCER, frozenset({"lb", "haproxy", "loadbalancer"})),
    (
        Role.CONTROL_PLANE,
        frozenset({"master", "masters", "cp", "controlplane", "control", "controller", "kcp"}),
    ),
    (Role.ETCD, frozenset({"etcd"})),
    (Role.WORKER, frozenset({"worker", "workers", "node", "nodes", "w", "compute", "minion"})),
)


def role_of_node(node: Node) -> tuple[Role, Evidence]:
    """A Node's role by kubeadm's labels (`master` is gone since Kubernetes 1.24). No label = worker."""
    for label in CONTROL_PLANE_LABELS:
        if label in node.labels:
            return Role.CONTROL_PLANE, Evidence(key="node-label", says=f"Node {node.name} has {label}")
    return Role.WORKER, Evidence(key="node-label", says=f"Node {node.name} has no control-plane label")


def role_of_metadata(metadata: Mapping[str, str]) -> tuple[Role, Evidence] | None:
    """A role from server metadata, as Kubespray's Terraform modules write it (`kubespray_groups`)."""
    for key, value in sorted(metadata.items()):
        words = {word.strip().lower() for word in re.split(r"[,\s]+", value)}
        for role, names in _METADATA_WORDS:
            if found := sorted(words & names):
                return role, Evidence(key="metadata", says=f"server metadata {key} names {found[0]}")
    return None


def role_of_name(name: str) -> tuple[Role, Evidence] | None:
    """A role from the words of a server's name. The weakest evidence."""
    words = {word for word in re.split(r"[-_.\d]+", name.lower()) if word}
    for role, names in _NAME_WORDS:
        if found := sorted(words & names):
            return role, Evidence(key="server-name", says=f"the name {name} contains {found[0]!r}")
    return None
