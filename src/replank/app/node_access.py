"""How the nodes of a cluster are reached, as fleet.yaml says: over SSH, or by a pod on each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from replank.app.fleet_file import not_told
from replank.inventory.fleet.model import ClusterConfig, SshAccess
from replank.inventory.runtime.facts import NodeRuntime
from replank.ports.readers import NodeReader

if TYPE_CHECKING:
    from replank.transports.ssh.reader import SshRuntimeReader


class NodesReached:
    """The port `RuntimeReader`. Clusters behind one jump host share its connection."""

    def __init__(self) -> None:
        from replank.transports.ssh.reader import SshRuntimeReader

        self._over_ssh = SshRuntimeReader()

    @asynccontextmanager
    async def reaching(self, config: ClusterConfig) -> AsyncIterator[NodeReader | None]:
        """See `RuntimeReader.reaching`. Raises `Refused` RP857 where pods are wanted without a kubeconfig."""
        if config.ssh is not None:
            yield _OverSsh(self._over_ssh, config.ssh)
        elif config.node_pod is None:
            yield None
        elif config.kubeconfig is None:
            raise not_told(config, "kubeconfig")
        else:
            from replank.app.console import show_error
            from replank.engine.clock import SystemClock
            from replank.transports.node_pod.ways import PodNodeReader, node_pods

            making = node_pods(
                config.kubeconfig,
                config.node_pod,
                "survey",
                clock=SystemClock(),
                tell=lambda error: show_error(error, subject=config.name),
            )
            async with making as pods:
                yield PodNodeReader(pods)


class _OverSsh:
    def __init__(self, reader: SshRuntimeReader, access: SshAccess) -> None:
        self._reader = reader
        self._access = access

    async def read(self, node: str, address: str) -> NodeRuntime:
        return await self._reader.read(node, address, self._access)
