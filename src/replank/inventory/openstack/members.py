"""Which servers belong to a cluster, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from replank.domain.provider_id import parse_provider_id
from replank.domain.unknown import known_or
from replank.domain.uuids import plain_uuid
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import OpenStackFacts, Server

POINTED_AT: Final = "a resource in a state points at it"


@dataclass(frozen=True, slots=True)
class Belonging:
    """Things of one kind that belong to the cluster: ID -> why. The reason counts where no state names it."""

    why: dict[str, str] = field(default_factory=dict)

    def add(self, id_: str, why: str) -> None:
        """Adds one. Of several reasons the alphabet's first stays, so that no order of inputs matters, but
        any other tells more than `POINTED_AT`."""
        if not id_:
            return
        known = self.why.get(id_, why)
        self.why[id_] = min(known, why, key=lambda reason: (reason == POINTED_AT, reason))

    def __contains__(self, id_: str) -> bool:
        return id_ in self.why


def cluster_servers(
    project: OpenStackFacts,
    managed: Collection[str],
    nodes: Sequence[Node],
    claimed_by_others: Mapping[str, str],
) -> Belonging:
    """Servers that the state manages (`managed`: their IDs) or that a Node stands for.

    A providerID or a systemUUID counts by itself, whoever else claims the server: that conflict is shown
    elsewhere. A Node with neither, that none of those servers fits, is joined to the one server nobody else
    claims that has its address, and to the one that has its name. If those are two, the join of machines
    shows the contradiction.
    """
    servers = known_or(project.servers, ())
    by_uuid = {plain_uuid(server.id): server.id for server in servers}
    found = Belonging()
    for server_id in managed:
        found.add(server_id, "a state manages it")
    loose: list[Node] = []
    for node in nodes:
        provider = parse_provider_id(node.provider_id)
        by_system_uuid = by_uuid.get(plain_uuid(node.system_uuid))
        if provider is not None:
            found.add(provider.server_id, f"providerID of Node {node.name}")
        if by_system_uuid is not None:
            found.add(by_system_uuid, f"systemUUID of Node {node.name}")
        if provider is None and by_system_uuid is None:
            loose.append(node)
    sure = [s for s in servers if s.id in found]
    free = [s for s in servers if s.id not in claimed_by_others]
    for node in loose:
        if any(_has_address(s, node) or _has_name(s, node) for s in sure):
            continue
        for fits, key in ((_has_address, "address"), (_has_name, "name")):
            alike = [s for s in free if fits(s, node)]
            if len(alike) == 1:
                found.add(alike[0].id, f"{key} of Node {node.name}")
    return found


def _has_address(server: Server, node: Node) -> bool:
    addresses = {a.address for a in node.addresses if a.type in ("InternalIP", "ExternalIP")}
    return any(a.address in addresses for a in server.addresses)


def _has_name(server: Server, node: Node) -> bool:
    return server.name in (node.name, node.name.partition(".")[0])
