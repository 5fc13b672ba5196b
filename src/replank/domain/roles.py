"""What a legacy machine does in its cluster."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """CONTROL_PLANE runs an API server; ETCD runs etcd without one; OTHER is a server outside Kubernetes."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"
    ETCD = "etcd"
    BASTION = "bastion"
    LOAD_BALANCER = "load-balancer"
    OTHER = "other"
