"""RBAC that a new machine needs to join, as kubeadm makes it.

Source: kubernetes cmd/kubeadm/app/phases/bootstraptoken/{node/tlsbootstrap,clusterinfo/clusterinfo}.go,
phases/uploadconfig/uploadconfig.go, phases/kubelet/config.go; names in constants/constants.go.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from replank.inventory.facts.kubernetes import JoinPrerequisites
from replank.transports.kubernetes.resources import metadata_of
from replank.transports.kubernetes.seeing import seen
from replank.transports.kubernetes.session import ApiSession

_GROUP: Final = "rbac.authorization.k8s.io"
_NAMES: Final = re.compile(
    r"kubeadm:(get-nodes|kubelet-bootstrap|node-autoapprove-bootstrap|node-autoapprove-certificate-rotation"
    r"|bootstrap-signer-clusterinfo|nodes-kubeadm-config|kubelet-config(-1\.\d+)?)",
    flags=re.ASCII,
)


async def read_join_prerequisites(api: ApiSession) -> JoinPrerequisites:
    """Which of kubeadm's bindings are there; by name, from metadata alone."""
    async with asyncio.TaskGroup() as group:
        cluster = group.create_task(seen(_bindings(api, "")))
        system = group.create_task(seen(_bindings(api, "kube-system")))
        public = group.create_task(seen(_bindings(api, "kube-public")))
    return JoinPrerequisites(
        cluster_role_bindings=cluster.result(),
        kube_system_role_bindings=system.result(),
        kube_public_role_bindings=public.result(),
    )


async def _bindings(api: ApiSession, namespace: str) -> tuple[str, ...]:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    resource = metadata_of(_GROUP, "v1", kind, f"{kind.lower()}s", bool(namespace))
    found = await api.metadata(resource, namespace=namespace)
    return tuple(sorted(about.name for about in found if _NAMES.fullmatch(about.name)))
