"""Resources of a cluster that something outside it uses too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from replank.domain.unknown import Unknown, known_or
from replank.inventory.facts.openstack import OpenStackFacts, Port, SharedResource
from replank.inventory.openstack.balancers import addresses_of
from replank.inventory.openstack.reach import Reach

SHOWN = 3
# Ports of the machines that Octavia itself runs for a load balancer (octavia/network/drivers/neutron).
AMPHORA_PORTS = "octavia-lb-vrrp-"


@dataclass(frozen=True, slots=True)
class _Outside:
    """What uses a thing from outside. `ports`: with the name of what they belong to."""

    ports: tuple[tuple[Port, str], ...]
    servers: Mapping[str, str]


def shared_things(
    project: OpenStackFacts, reach: Reach, claimed_by_others: Mapping[str, str]
) -> tuple[SharedResource, ...]:
    """Networks, subnets, routers, security groups, server groups, volumes and load balancers of the cluster
    with users outside, sorted by kind and ID.

    External networks are there to be shared and are left out. What an unknown listing would have told is not
    told: the unknown listing itself says so.
    """
    outside = _outside(project, reach, claimed_by_others)
    found = [
        *_networks(project, reach, outside),
        *_subnets(project, reach, outside),
        *_routers(project, reach, outside),
        *_groups(project, reach, outside),
        *_volumes(project, reach, outside),
        *_balancers(project, reach),
    ]
    return tuple(sorted((s for s in found if s.shared_with), key=lambda s: (s.kind, s.id)))


def _outside(project: OpenStackFacts, reach: Reach, claimed: Mapping[str, str]) -> _Outside:
    servers = {
        s.id: f"server {s.name}" + (f" of cluster {claimed[s.id]}" if s.id in claimed else "")
        for s in known_or(project.servers, ())
        if s.id not in reach.of("server")
    }
    virtual = {
        b.vip_port_id: f"load balancer {b.name}"
        for b in known_or(project.load_balancers, ())
        if b.id not in reach.of("load_balancer")
    }
    ports = []
    for port in known_or(project.ports, ()):
        if port.id in reach.of("port") or port.name.startswith(AMPHORA_PORTS):
            continue
        if user := virtual.get(port.id) or servers.get(port.device_id):
            ports.append((port, user))
        elif port.device_owner.startswith("compute:") and port.device_id not in reach.of("server"):
            # Nova does not show the servers of other projects, Neutron shows their ports on own networks.
            hidden = "" if isinstance(project.servers, Unknown) else " of another project"
            ports.append((port, f"server {port.device_id}{hidden}"))
    return _Outside(ports=tuple(ports), servers=servers)


def _networks(project: OpenStackFacts, reach: Reach, outside: _Outside) -> Iterator[SharedResource]:
    for network in known_or(project.networks, ()):
        if network.id not in reach.of("network") or network.external:
            continue
        users = [user for port, user in outside.ports if port.network_id == network.id]
        if network.project_id not in ("", project.project_id):
            users.append("the project that owns it")
        elif network.shared:
            users.append("other projects (it is marked as shared)")
        yield _thing("network", network.id, network.name, users)


def _subnets(project: OpenStackFacts, reach: Reach, outside: _Outside) -> Iterator[SharedResource]:
    external = {n.id for n in known_or(project.networks, ()) if n.external}
    for subnet in known_or(project.subnets, ()):
        if subnet.id in reach.of("subnet") and subnet.network_id not in external:
            yield _thing("subnet", subnet.id, subnet.name, _users_of_subnet(subnet.id, outside))


def _routers(project: OpenStackFacts, reach: Reach, outside: _Outside) -> Iterator[SharedResource]:
    names = {s.id: s.name or s.id for s in known_or(project.subnets, ())}
    for router in known_or(project.routers, ()):
        if router.id not in reach.of("router"):
            continue
        users = [user for s in router.interface_subnet_ids for user in _users_of_subnet(s, outside)]
        users += [
            f"subnet {names.get(s, s)}" for s in router.interface_subnet_ids if s not in reach.of("subnet")
        ]
        yield _thing("router", router.id, router.name, users)


def _groups(project: OpenStackFacts, reach: Reach, outside: _Outside) -> Iterator[SharedResource]:
    for group in known_or(project.security_groups, ()):
        if group.id in reach.of("security_group"):
            users = [user for port, user in outside.ports if group.id in port.security_group_ids]
            yield _thing("security_group", group.id, group.name, users)
    for members in known_or(project.server_groups, ()):
        if members.id in reach.of("server_group"):
            users = [outside.servers[m] for m in members.member_ids if m in outside.servers]
            yield _thing("server_group", members.id, members.name, users)


def _volumes(project: OpenStackFacts, reach: Reach, outside: _Outside) -> Iterator[SharedResource]:
    for volume in known_or(project.volumes, ()):
        if volume.id in reach.of("volume"):
            attached = [a.server_id for a in volume.attachments]
            users = [outside.servers[s] for s in attached if s in outside.servers]
            yield _thing("volume", volume.id, volume.name, users)


def _balancers(project: OpenStackFacts, reach: Reach) -> Iterator[SharedResource]:
    if isinstance(project.ports, Unknown) and isinstance(project.servers, Unknown):
        return
    addresses = addresses_of(project, reach.of("server"))
    for balancer in known_or(project.load_balancers, ()):
        if balancer.id in reach.of("load_balancer"):
            users = [
                f"member {member.address}:{member.protocol_port} of pool {pool.name or pool.id}"
                for pool in balancer.pools
                for member in pool.members
                if not addresses.has(member, balancer.vip_subnet_id)
            ]
            yield _thing("load_balancer", balancer.id, balancer.name, users)


def _users_of_subnet(subnet_id: str, outside: _Outside) -> list[str]:
    return [user for port, user in outside.ports if any(ip.subnet_id == subnet_id for ip in port.fixed_ips)]


def _thing(kind: str, id_: str, name: str, users: Iterable[str]) -> SharedResource:
    """The first few users by name, and how many more there are."""
    unique = sorted(set(users))
    shown = ", ".join(unique[:SHOWN])
    more = f" and {len(unique) - SHOWN} more" if len(unique) > SHOWN else ""
    return SharedResource(kind=kind, id=id_, name=name, shared_with=shown + more)
