"""Where a kubeconfig comes from: a file, or a Secret whose content is only ever in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from replank.inventory.fleet.model import KubeconfigRef
from replank.transports.kubernetes.connection import Connection, open_embedded, open_kubeconfig, open_own
from replank.transports.kubernetes.in_cluster import InCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKubeconfig:
    """A kubeconfig that somebody else keeps, such as Cluster API's Secret `<cluster>-kubeconfig`.

    `where`: for messages, as `Secret shop/blue-kubeconfig`. `read`: gives it as it is now; asked when a
    connection is opened, and again after a 401, since Cluster API renews it. Raises what its owner raises.
    """

    where: str
    read: Callable[[], Awaitable[bytes]] = field(repr=False)

    @classmethod
    def of(cls, content: bytes, *, where: str) -> HeldKubeconfig:
        """One that never changes."""

        async def read() -> bytes:
            return content

        return cls(where=where, read=read)


async def opened(
    source: KubeconfigRef | HeldKubeconfig | InCluster,
    *,
    clock: Callable[[], datetime],
    exec_timeout_s: float,
) -> Connection:
    """How to reach the API server behind it, by what it says now.

    Raises `Refused` RP050 to RP052. One in memory may name no file and no program: whoever can write such a
    Secret could have the operator's own token file, or any other, sent to a server of his choice.
    """
    if isinstance(source, HeldKubeconfig):
        return open_embedded(await source.read(), clock=clock, where=source.where)
    if isinstance(source, InCluster):
        return open_own(source.kubeconfig(), clock=clock, where=source.server)
    return await open_kubeconfig(source, clock=clock, exec_timeout_s=exec_timeout_s)
