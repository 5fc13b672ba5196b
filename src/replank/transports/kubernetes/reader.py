"""Reads one workload cluster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.fleet.model import KubeconfigRef

if TYPE_CHECKING:
    from replank.transports.kubernetes.transport import Limits


def local_now() -> datetime:
    """The clock that judges whether credentials have expired."""
    return datetime.now(UTC)


class KubernetesReader:
    """A `ClusterReader`. lightkube is imported with the first read.

    `timeout_s`: for a connection and for each piece of an answer; `limits`: all bounds at once instead.
    `requests`: HTTP requests so far.
    """

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

    async def read(self, kubeconfig: KubeconfigRef) -> KubernetesFacts:
        """All facts; what could not be read is an `Unknown` in its field.

        Raises `ReplankError` RP050 to RP059 if nothing could be seen.
        """
        from replank.transports.kubernetes.connection import open_kubeconfig
        from replank.transports.kubernetes.listings import read_facts
        from replank.transports.kubernetes.session import ApiSession
        from replank.transports.kubernetes.transport import Limits

        limits = self._limits or Limits(timeout_s=self._timeout_s)
        connection = await open_kubeconfig(
            kubeconfig, clock=self._clock, exec_timeout_s=limits.exec_timeout_s
        )
        async with ApiSession(connection, limits) as api:
            try:
                return await read_facts(api)
            finally:
                self.requests += api.requests
