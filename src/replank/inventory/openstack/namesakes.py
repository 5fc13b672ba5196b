"""Resources outside the cluster whose names CAPO could take for the cluster's own.

CAPO v0.14.7 looks a server up by its exact name in the whole project, and a port by `<server>-<index>` (or a
name suffix) in its network (pkg/cloud/services/compute/instance.go, pkg/cloud/services/networking/port.go).
"""

from __future__ import annotations

from replank.domain.unknown import known_or
from replank.inventory.facts.openstack import Namesake, OpenStackFacts
from replank.inventory.openstack.reach import Reach


def namesakes_of(project: OpenStackFacts, reach: Reach) -> tuple[Namesake, ...]:
    """Servers and ports with such names, sorted by kind and ID. An unknown listing tells of none."""
    servers, ports = known_or(project.servers, ()), known_or(project.ports, ())
    own_servers = {s.id: s.name for s in servers if s.id in reach.of("server")}
    own_names = set(own_servers.values())
    own_ports = [p for p in ports if p.id in reach.of("port")]
    taken = {(p.network_id, p.name) for p in own_ports if p.name}
    server_networks = {
        (p.network_id, own_servers[p.device_id]) for p in own_ports if p.device_id in own_servers
    }
    found = {
        Namesake(kind="server", id=s.id, name=s.name)
        for s in servers
        if s.name in own_names and s.id not in own_servers
    }
    for port in ports:
        server, _, index = port.name.rpartition("-")
        looked_for = index.isascii() and index.isdigit() and (port.network_id, server) in server_networks
        if port.id not in reach.of("port") and ((port.network_id, port.name) in taken or looked_for):
            found.add(Namesake(kind="port", id=port.id, name=port.name))
    return tuple(sorted(found, key=lambda n: (n.kind, n.id)))
