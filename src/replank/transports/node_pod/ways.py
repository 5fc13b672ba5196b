"""What stands on node pods: the ports for a survey of runtimes and for a swap."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from replank.domain.errors import ReplankError
from replank.inventory.fleet.model import KubeconfigRef, NodePodAccess
from replank.inventory.hosts.runtime_commands import RUNTIME_COMMANDS
from replank.inventory.runtime.facts import NodeRuntime
from replank.ports.access import Clock
from replank.transports.hosts.nodes import HostNodes
from replank.transports.hosts.runtime.reader import read_runtime
from replank.transports.kubernetes.api import KubernetesApi
from replank.transports.kubernetes.reader import local_now
from replank.transports.node_pod.documents import Purpose
from replank.transports.node_pod.execs import PodExecs
from replank.transports.node_pod.pods import NodePods


class PodNodes(HostNodes):
    """The port `Nodes` by way of pods, for which rights are needed."""


class PodNodeReader:
    """Reads nodes by way of pods. See `ports.readers.NodeReader`."""

    def __init__(self, pods: NodePods) -> None:
        self._pods = pods

    async def read(self, node: str, address: str) -> NodeRuntime:  # noqa: ARG002  (the port's names)
        """Raises as `NodePods.open`, and as its sessions do."""
        async with self._pods.open(node, RUNTIME_COMMANDS) as session:
            return await read_runtime(session, node)


@asynccontextmanager
async def node_pods(
    kubeconfig: KubeconfigRef,
    access: NodePodAccess,
    purpose: Purpose,
    *,
    clock: Clock,
    tell: Callable[[ReplankError], None],
) -> AsyncIterator[NodePods]:
    """Removed when it is left. Nothing is made before a node is needed."""
    async with (
        KubernetesApi(kubeconfig, fence=lambda: None) as api,
        NodePods(
            api,
            PodExecs(kubeconfig, clock=local_now),
            access,
            purpose=purpose,
            clock=clock,
            mark=secrets.token_hex(4) if purpose == "survey" else "",
            tell=tell,
        ) as pods,
    ):
        yield pods
