"""What belongs to a cluster beyond its servers: followed from them, from the state and from Kubernetes.

Nothing is followed back from a shared thing to its other users, so a cluster never grows into its neighbour.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from replank.domain.unknown import known_or
from replank.inventory.facts.kubernetes import LoadBalancerService
from replank.inventory.facts.openstack import LoadBalancer, OpenStackFacts, Port
from replank.inventory.openstack.balancers import Addresses, addresses_of, why_balancer_belongs
from replank.inventory.openstack.members import POINTED_AT, Belonging
from replank.inventory.openstack.references import Reference


@dataclass(frozen=True, slots=True)
class Reach:
    """The things of the cluster by kind, as in `references.WHOLE_ID`, each with why it belongs."""

    kinds: dict[str, Belonging] = field(default_factory=dict)

    def of(self, kind: str) -> Belonging:
        """Those of one kind."""
        return self.kinds.setdefault(kind, Belonging())


def reach_of(
    project: OpenStackFacts,
    servers: Belonging,
    references: Collection[Reference],
    volume_handles: Iterable[str],
    services: Sequence[LoadBalancerService],
) -> Reach:
    """Follows `servers` through the project. Where a listing is unknown the way ends there."""
    reach = Reach({"server": servers})
    for reference in references:
        if reference.kind != "server":
            reach.of(reference.kind).add(reference.id, POINTED_AT)
    _ports(project, reach)
    addresses = addresses_of(project, servers)
    _balancers(project, reach, services, addresses)
    _networks(project, reach)
    _volumes_and_groups(project, reach, volume_handles)
    return reach


def _ports(project: OpenStackFacts, reach: Reach) -> None:
    names = {s.id: f"server {s.name}" for s in known_or(project.servers, ())}
    servers, found = reach.of("server"), reach.of("port")
    ports = known_or(project.ports, ())
    for port in ports:
        if port.device_id in servers:
            found.add(port.id, f"interface of {names.get(port.device_id, f'server {port.device_id}')}")
    own = [port for port in ports if port.id in found]
    for port in ports:
        # A virtual IP of keepalived or kube-vip: a port of its own, whose address the machines may use.
        if port.id not in found and not port.device_id and (user := _pair_of(port, own)):
            found.add(port.id, f"its address is an allowed address pair of port {user.name or user.id}")


def _pair_of(port: Port, users: Sequence[Port]) -> Port | None:
    """The first of the ports in the same network that may use this one's address."""
    addresses = {ip.address for ip in port.fixed_ips}
    return next(
        (
            user
            for user in users
            if user.network_id == port.network_id
            and any(pair.address.removesuffix("/32") in addresses for pair in user.allowed_address_pairs)
        ),
        None,
    )


def _balancers(
    project: OpenStackFacts, reach: Reach, services: Sequence[LoadBalancerService], addresses: Addresses
) -> None:
    found = reach.of("load_balancer")
    floating = {f.port_id: f.address for f in known_or(project.floating_ips, ()) if f.port_id}
    for balancer in known_or(project.load_balancers, ()):
        reached = {floating.get(balancer.vip_port_id, ""), balancer.vip_address} - {""}
        if balancer.id in found or _parts(balancer, reach):
            found.add(balancer.id, POINTED_AT)
        if why := why_balancer_belongs(balancer, reached, services, addresses):
            found.add(balancer.id, why)
        if balancer.id in found:
            reach.of("port").add(balancer.vip_port_id, f"virtual IP of load balancer {balancer.name}")
            reach.of("network").add(balancer.vip_network_id, f"load balancer {balancer.name} stands in it")
            reach.of("subnet").add(balancer.vip_subnet_id, f"load balancer {balancer.name} stands in it")


def _parts(balancer: LoadBalancer, reach: Reach) -> bool:
    """True if a state names a listener or pool of it: it may only add to somebody else's balancer."""
    return any(x.id in reach.of("listener") for x in balancer.listeners) or any(
        x.id in reach.of("pool") for x in balancer.pools
    )


def _networks(project: OpenStackFacts, reach: Reach) -> None:
    ports = [p for p in known_or(project.ports, ()) if p.id in reach.of("port")]
    for port in ports:
        label = f"port {port.name or port.id}"
        reach.of("network").add(port.network_id, f"{label} is in it")
        for ip in port.fixed_ips:
            reach.of("subnet").add(ip.subnet_id, f"{label} has an address of it")
        for group in port.security_group_ids:
            reach.of("security_group").add(group, f"{label} has it")
    for floating in known_or(project.floating_ips, ()):
        if floating.id in reach.of("floating_ip") or floating.address in reach.of("address"):
            reach.of("floating_ip").add(floating.id, POINTED_AT)
        elif floating.port_id in reach.of("port"):
            reach.of("floating_ip").add(floating.id, f"leads to {floating.fixed_ip or floating.port_id}")
    inside = {n.id: n.name for n in known_or(project.networks, ()) if not n.external}
    for subnet in known_or(project.subnets, ()):
        if subnet.network_id in inside and subnet.network_id in reach.of("network"):
            reach.of("subnet").add(subnet.id, f"in network {inside[subnet.network_id] or subnet.network_id}")
    joined = {
        subnet.id: subnet.name or subnet.id
        for subnet in known_or(project.subnets, ())
        if subnet.network_id in inside and subnet.id in reach.of("subnet")
    }
    for router in known_or(project.routers, ()):
        if met := sorted(joined[s] for s in router.interface_subnet_ids if s in joined):
            reach.of("router").add(router.id, f"has an interface in subnet {met[0]}")
    _external_networks(project, reach)


def _external_networks(project: OpenStackFacts, reach: Reach) -> None:
    for router in known_or(project.routers, ()):
        if router.id in reach.of("router"):
            reach.of("network").add(router.external_network_id, f"gateway of router {router.name}")
    for floating in known_or(project.floating_ips, ()):
        if floating.id in reach.of("floating_ip"):
            reach.of("network").add(floating.network_id, f"floating IP {floating.address} is of it")


def _volumes_and_groups(project: OpenStackFacts, reach: Reach, handles: Iterable[str]) -> None:
    servers, found = reach.of("server"), reach.of("volume")
    names = {s.id: s.name for s in known_or(project.servers, ())}
    for server in known_or(project.servers, ()):
        if server.id in servers:
            for volume_id in server.attached_volumes:
                found.add(volume_id, f"attached to server {server.name}")
    for volume in known_or(project.volumes, ()):
        for attachment in volume.attachments:
            if attachment.server_id in servers:
                found.add(
                    volume.id, f"attached to server {names.get(attachment.server_id, attachment.server_id)}"
                )
    for handle in handles:
        found.add(handle, "a PersistentVolume names it")
    for group in known_or(project.server_groups, ()):
        members = sorted(names.get(m, m) for m in group.member_ids if m in servers)
        if members:
            reach.of("server_group").add(group.id, f"server {members[0]} is a member")
