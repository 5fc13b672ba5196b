"""What the operator needs beyond `ports/access.py`. Errors as there: Transient, Refused, Hold for writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from replank.ports.access import Document, KubeApi


class StatusApi(KubeApi, Protocol):
    """An API server where conditions are told, too."""

    async def apply_status(self, document: Mapping[str, Any]) -> Document:
        """Server-side apply of the status subresource as field manager `replank-guard`; the object as it is
        now. Raises `Refused` where there is no such object."""
        ...


class BalancedCloud(Protocol):
    """One OpenStack project: its pools' members, floating IPs, attached volumes."""

    async def pool(self, pool_id: str) -> Document | None:
        """Octavia's pool, None where there is none."""
        ...

    async def pool_members(self, pool_id: str) -> tuple[Document, ...]:
        """Octavia's members of a pool, sorted by ID. Raises `Refused` where there is no such pool."""
        ...

    async def add_member(
        self,
        pool_id: str,
        *,
        name: str,
        address: str,
        port: int,
        subnet_id: str = "",
        tags: Sequence[str] = (),
    ) -> None:
        """Adds a member. One with that address and port is left as it is. An immutable load balancer (409) is
        `Transient`."""
        ...

    async def remove_member(self, pool_id: str, member_id: str) -> None:
        """Removes a member; one that is gone is fine. An immutable load balancer (409) is `Transient`."""
        ...

    async def weigh_member(self, pool_id: str, member_id: str, weight: int) -> None:
        """Sets a member's weight (0 = no new connections). Raises `Conflict` where it is gone; an immutable
        load balancer (409) is `Transient`."""
        ...

    async def floating_ips(self) -> tuple[Document, ...]:
        """Neutron's floating IPs of the project, sorted by ID."""
        ...

    async def disassociate_floating_ip(self, floating_ip_id: str) -> None:
        """Takes it off its port; the address stays the project's."""
        ...

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:
        """See `Cloud.ports`."""
        ...

    async def volumes_of(self, server_id: str) -> tuple[Document, ...]:
        """Nova's volume attachments of a server (`volumeId`, `device`, `delete_on_termination`), sorted by
        volume; empty where there is no such server."""
        ...
