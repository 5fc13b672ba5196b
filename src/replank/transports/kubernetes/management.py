"""Reads the management cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from replank.domain.errors import Refused
from replank.inventory.facts.management import ManagementFacts
from replank.inventory.fleet.model import ManagementTarget
from replank.transports.kubernetes.reader import local_now

if TYPE_CHECKING:
    from replank.transports.kubernetes.session import ApiSession
    from replank.transports.kubernetes.transport import Limits


class KubernetesManagementReader:
    """A `ManagementReader`. Arguments and `requests` as those of `KubernetesReader`."""

    def __init__(
        self,
        *,
        timeout_s: float = 15.0,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self.requests = 0
        self._timeout_s = timeout_s
        self._limits = limits
        self._clock = clock

    async def read(self, target: ManagementTarget, cluster: str) -> ManagementFacts:
        """Providers, served kinds, and what already exists in the target namespace for `cluster`.

        Raises `ReplankError` RP050 to RP059 if nothing could be seen.
        """
        from replank.transports.kubernetes.cluster_api import read_management

        async with self._open(target) as api:
            return await read_management(api, target.namespace, cluster)

    async def crds(self, target: ManagementTarget) -> list[dict[str, Any]]:
        """The complete CustomResourceDefinitions of Cluster API's groups, sorted by name.

        Raises `ReplankError` RP050 to RP059.
        """
        from replank.transports.kubernetes.cluster_api import read_crds

        async with self._open(target) as api:
            return await read_crds(api)

    @asynccontextmanager
    async def _open(self, target: ManagementTarget) -> AsyncIterator[ApiSession]:
        from replank.transports.kubernetes.connection import open_kubeconfig
        from replank.transports.kubernetes.session import ApiSession
        from replank.transports.kubernetes.transport import Limits

        if target.kubeconfig is None:
            raise Refused(
                "RP050",
                "The management cluster cannot be read",
                "fleet.yaml names no kubeconfig for it",
                "Add `management.kubeconfig` to fleet.yaml.",
            )
        limits = self._limits or Limits(timeout_s=self._timeout_s)
        connection = await open_kubeconfig(
            target.kubeconfig, clock=self._clock, exec_timeout_s=limits.exec_timeout_s
        )
        async with ApiSession(connection, limits) as api:
            try:
                yield api
            finally:
                self.requests += api.requests
