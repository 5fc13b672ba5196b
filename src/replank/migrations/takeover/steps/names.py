"""Renames: ports, servers, and the parts of a managed load balancer. Names are labels that CAPO looks for."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.plan.parameters import found_before, optional, text, texts
from replank.ports.access import Document


class PortRename:
    """`openstack.port.rename`: name, and a tag that keeps the old one. Tags of others stay.

    CAPO replaces a port's tags only where its own list is not empty (v0.14.7, networking/port.go), and the
    plan's are.
    """

    async def found(self, at: At) -> JSON:
        port = await self._port(at)
        return {"name": str(port["name"]), "tags": [str(tag) for tag in port.get("tags") or []]}

    async def apply(self, at: At) -> JSON:
        port = await self._port(at)
        new, tag = text(at.step.params, "new"), optional(at.step.params, "tag")
        tags = [str(kept) for kept in port.get("tags") or []]
        wanted = [*tags, tag] if tag and tag not in tags else tags
        if port["name"] != new or wanted != tags:
            await at.access.cloud.set_port(str(port["id"]), name=new, tags=wanted)
        return {
            "port": str(port["id"]),
            "name": new,
            "tag": tag or "none: the old name does not fit into a tag; the journal keeps it",
        }

    async def undo(self, at: At) -> JSON:
        before = found_before(at.before)
        name, tags = text(before, "name"), texts(before, "tags")
        port = await self._port(at)
        if port["name"] != name or tuple(port.get("tags") or ()) != tags:
            await at.access.cloud.set_port(str(port["id"]), name=name, tags=tags)
        return {"port": str(port["id"]), "name": name, "tags": list(tags)}

    async def _port(self, at: At) -> Document:
        port_id = text(at.step.params, "port")
        port = await at.access.cloud.port(port_id)
        if port is None:
            raise gone("port", port_id)
        server = text(at.step.params, "server")
        if port.get("device_id") != server:
            raise Refused(
                "RP874",
                f"Port {port_id} is not the one of the plan",
                f"it belongs to server {port.get('device_id') or 'none'}, the plan says {server}",
                "Survey and plan again.",
            )
        return port


class ServerRename:
    """`openstack.server.rename`. A Nova lock does not stop it."""

    async def found(self, at: At) -> JSON:
        return {"name": str((await self._server(at))["name"])}

    async def apply(self, at: At) -> JSON:
        return await self._call(at, text(at.step.params, "new"))

    async def undo(self, at: At) -> JSON:
        return await self._call(at, text(found_before(at.before), "name"))

    async def _call(self, at: At, name: str) -> JSON:
        server = await self._server(at)
        if server["name"] != name:
            await at.access.cloud.rename_server(str(server["id"]), name)
        return {"server": str(server["id"]), "name": name}

    async def _server(self, at: At) -> Document:
        server_id = text(at.step.params, "server")
        server = await at.access.cloud.server(server_id)
        if server is None:
            raise gone("server", server_id)
        return server


@dataclass(frozen=True, slots=True)
class BalancingRename:
    """`openstack.<kind>.rename` for a load balancer, listener, pool, monitor or member (with its pool)."""

    kind: str

    async def found(self, at: At) -> JSON:
        return {"name": str((await self._part(at)).get("name") or "")}

    async def apply(self, at: At) -> JSON:
        return await self._call(at, text(at.step.params, "new"))

    async def undo(self, at: At) -> JSON:
        return await self._call(at, text(found_before(at.before), "name"))

    async def _call(self, at: At, name: str) -> JSON:
        part = await self._part(at)
        part_id, pool = str(part["id"]), optional(at.step.params, "pool")
        if (part.get("name") or "") != name:
            await at.access.cloud.set_balancing(self.kind, part_id, {"name": name}, pool)
        return {self.kind: part_id, "name": name}

    async def _part(self, at: At) -> Document:
        part_id = text(at.step.params, "id")
        part = await at.access.cloud.balancing(self.kind, part_id, optional(at.step.params, "pool"))
        if part is None:
            raise gone(self.kind, part_id)
        return part


def gone(kind: str, thing_id: str) -> Refused:
    """The error for something of the plan that OpenStack does not have any more."""
    return Refused(
        "RP874",
        f"{kind.capitalize()} {thing_id} of the plan is gone",
        "OpenStack has nothing of that ID",
        "Find out who deleted it; then survey and plan again.",
    )
