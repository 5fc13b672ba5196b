"""The systems behind a cluster, opened when a round needs them."""

from __future__ import annotations

from typing import Protocol

from replank.ports.access import Clock, Document, KubeApi
from replank.ports.guarding import BalancedCloud, StatusApi


class Systems(Protocol):
    """What the rounds of all clusters share."""

    @property
    def management(self) -> StatusApi: ...

    @property
    def clock(self) -> Clock: ...

    async def workload(self, cluster: Document) -> KubeApi:
        """The cluster's own API server, by the Secret `<cluster>-kubeconfig`. Raises as ports do."""
        ...

    async def cloud(self, cluster: Document) -> BalancedCloud:
        """Its project, by the identityRef of its OpenStackCluster. Raises as ports do."""
        ...
