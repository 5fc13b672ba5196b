"""The runtimes of one cluster: each Node by itself, and what hangs on them through the API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.controlled import NO_MANAGEMENT, ClusterApiFacts
from replank.inventory.facts.kubernetes import KubernetesFacts, Node
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.fleet.model import ClusterConfig
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.runtimes import RuntimeFacts, unseen_node
from replank.ports.readers import ClusterApiReader, NodeReader, RuntimeReader, RuntimeUseReader
from replank.survey.look import look
from replank.survey.progress import Progress

NODES_AT_ONCE: Final = 16
"""Connections at once to one cluster's nodes, which mostly go through one jump host."""
_OFFLINE: Final = Unknown("management cluster: not looked at: the survey is offline", "RP000")
_PROVIDER: Final = "cluster-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeSurvey:
    """`nodes`, `uses`, `cluster_api` None: nobody is asked (offline)."""

    config: ClusterConfig
    nodes: RuntimeReader | None
    uses: RuntimeUseReader | None
    progress: Progress
    cluster_api: ClusterApiReader | None = None

    async def run(
        self, kubernetes: Fact[KubernetesFacts], management: Fact[ManagementFacts]
    ) -> Fact[RuntimeFacts]:
        """The section. `kubernetes`: says which Nodes there are; `management`: which Cluster API runs. Never
        raises for what cannot be seen."""
        listed = kubernetes if isinstance(kubernetes, Unknown) else kubernetes.nodes
        if isinstance(listed, Unknown):
            return listed
        wanted = sorted(listed, key=lambda node: node.name)
        cluster, controlled, nodes = await asyncio.gather(
            self._uses(),
            self._controlled(management),
            self._nodes(wanted),
        )
        return RuntimeFacts(nodes=nodes, cluster=cluster, cluster_api=controlled)

    async def _controlled(self, management: Fact[ManagementFacts]) -> Fact[ClusterApiFacts | None]:
        if self.config.management.kubeconfig is None:
            return NO_MANAGEMENT
        if self.cluster_api is None:
            return _OFFLINE
        name = self.config.name
        reading = self.cluster_api.read(self.config.management, name, _version(management))
        return await look(self.progress, name, "objects of Cluster API", reading)

    async def _uses(self) -> Fact[ClusterRuntimeFacts]:
        if self.uses is None or self.config.kubeconfig is None:
            return Unknown("Kubernetes: not looked at: the survey is offline", "RP000")
        reading = self.uses.read(self.config.kubeconfig)
        return await look(self.progress, self.config.name, "what hangs on the runtimes", reading)

    async def _nodes(self, wanted: Sequence[Node]) -> tuple[NodeRuntime, ...]:
        if self.nodes is None:
            why = Unknown("the node: not looked at: the survey is offline", "RP000")
            return tuple(unseen_node(node.name, why) for node in wanted)
        gate = asyncio.Semaphore(NODES_AT_ONCE)
        async with self.nodes.reaching(self.config) as reader:
            if reader is None:
                why = Unknown("fleet.yaml names neither `ssh` nor `node_pod` for this cluster", "RP000")
                return tuple(unseen_node(node.name, why) for node in wanted)
            return tuple(await asyncio.gather(*(self._node(reader, node, gate) for node in wanted)))

    async def _node(self, reader: NodeReader, node: Node, gate: asyncio.Semaphore) -> NodeRuntime:
        address = internal_address(node)
        if address is None:
            why = Unknown(f"Node {node.name} has no InternalIP to reach it at", "RP060")
            return unseen_node(node.name, why)
        async with gate:
            reading = reader.read(node.name, address)
            facts = await look(self.progress, self.config.name, f"runtime of {node.name}", reading)
        return unseen_node(node.name, facts) if isinstance(facts, Unknown) else facts


def internal_address(node: Node) -> str | None:
    """Where a Node is reached: its InternalIP (with two, that of the cluster's first family)."""
    return next((a.address for a in node.addresses if a.type == "InternalIP"), None)


def _version(management: Fact[ManagementFacts]) -> str:
    """Of Cluster API, "" where it cannot be told."""
    installed = management if isinstance(management, Unknown) else management.providers
    if isinstance(installed, Unknown):
        return ""
    return next((provider.version for provider in installed if provider.name == _PROVIDER), "")
