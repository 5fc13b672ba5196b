"""Images of the proving ground: the base, the machines, and the containers that run in them."""

from proving_ground.images.machines import bare, debian, machine
from proving_ground.images.versions import (
    NODE_AGENT_IMAGE,
    ON_DEMAND,
    WORKLOAD_IMAGE,
    glance_bare_name,
    glance_name,
    kubeadm_api,
    kubernetes_version,
    sandbox_image,
    toolchain_groups,
)

__all__ = [
    "NODE_AGENT_IMAGE",
    "ON_DEMAND",
    "WORKLOAD_IMAGE",
    "bare",
    "debian",
    "glance_bare_name",
    "glance_name",
    "kubeadm_api",
    "kubernetes_version",
    "machine",
    "sandbox_image",
    "toolchain_groups",
]
