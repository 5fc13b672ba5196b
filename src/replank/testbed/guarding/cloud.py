"""The port `BalancedCloud` on the project."""

from __future__ import annotations

from collections.abc import Sequence

from replank.domain.errors import Refused, Transient
from replank.ports.access import Conflict
from replank.testbed.guarding.layout import POOL
from replank.testbed.guarding.project import Project
from replank.testbed.simulation.documents import Document, copied


class ProjectCloud:
    """One pool. Changes of it make the load balancer immutable for seconds."""

    def __init__(self, project: Project) -> None:
        self._project = project

    async def pool(self, pool_id: str) -> Document | None:
        return {"id": POOL} if pool_id == POOL else None

    async def pool_members(self, pool_id: str) -> tuple[Document, ...]:
        if pool_id != POOL:
            raise Refused("RP000", f"Pool {pool_id}", "there is none", "Correct the ClusterGuard.")
        members = self._project.members
        return tuple(copied(members[key]) for key in sorted(members))

    async def add_member(
        self,
        pool_id: str,
        *,
        name: str,
        address: str,
        port: int,
        subnet_id: str = "",  # noqa: ARG002  (there is one subnet)
        tags: Sequence[str] = (),
    ) -> None:
        there = {(m["address"], m["protocol_port"]) for m in await self.pool_members(pool_id)}
        if (address, port) not in there:
            self._mutable()
            self._project.member(name, address, list(tags))
            self._project.busy(self._project.chance.uniform(1, 6))

    async def remove_member(self, pool_id: str, member_id: str) -> None:
        if pool_id == POOL and member_id in self._project.members:
            self._mutable()
            del self._project.members[member_id]
            self._project.busy(self._project.chance.uniform(1, 6))

    async def weigh_member(self, pool_id: str, member_id: str, weight: int) -> None:
        found = self._project.members.get(member_id) if pool_id == POOL else None
        if found is None:
            raise Conflict("RP000", f"Member {member_id}", "it is gone", "Look again.")
        self._mutable()
        found["weight"] = weight
        self._project.busy(self._project.chance.uniform(1, 6))

    async def floating_ips(self) -> tuple[Document, ...]:
        found = self._project.floating_ips
        return tuple(copied(found[key]) for key in sorted(found))

    async def disassociate_floating_ip(self, floating_ip_id: str) -> None:
        found = self._project.floating_ips.get(floating_ip_id)
        if found is None:
            raise Refused("RP000", f"Floating IP {floating_ip_id}", "there is none", "Look again.")
        found["port_id"] = None

    async def ports(self, network_id: str = "") -> tuple[Document, ...]:  # noqa: ARG002  (there is one)
        return tuple(
            {"id": server.port, "device_id": server.id, "fixed_ips": [{"ip_address": server.address}]}
            for server in self._project.servers.values()
        )

    async def volumes_of(self, server_id: str) -> tuple[Document, ...]:
        server = self._project.servers.get(server_id)
        if server is None:
            return ()
        root = {"volumeId": f"root-{server_id}", "device": "/dev/vda", "delete_on_termination": True}
        mounted = [{"volumeId": handle, "device": "/dev/vdb"} for handle in sorted(server.volumes)]
        return (root, *mounted)

    def _mutable(self) -> None:
        if self._project.now() < self._project.busy_until:
            raise Transient("RP000", "The load balancer", "409: it is immutable", "Try again.")
