"""Which load balancers belong to a cluster: by the Service they were made for, or by their members."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from replank.domain.unknown import known_or
from replank.inventory.facts.kubernetes import LoadBalancerService
from replank.inventory.facts.openstack import LoadBalancer, OpenStackFacts, PoolMember
from replank.inventory.openstack.members import Belonging


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of the cluster's servers. `in_subnet`: (subnet ID, address). `own`: those that no server
    outside the cluster has, in whatever network."""

    in_subnet: frozenset[tuple[str, str]]
    own: frozenset[str]

    def has(self, member: PoolMember, subnet_id: str) -> bool:
        """True if a pool member is a server of the cluster.

        Octavia takes the VIP's subnet where a member names none. A member may name a subnet that only leads
        to the server's; then its address must be one that nobody else in the project has.
        """
        return (member.subnet_id or subnet_id, member.address) in self.in_subnet or member.address in self.own


def addresses_of(project: OpenStackFacts, servers: Belonging) -> Addresses:
    """From Neutron's ports, and from Nova's servers where the ports are unknown."""
    in_subnet: set[tuple[str, str]] = set()
    own: set[str] = set()
    others: set[str] = set()
    for port in known_or(project.ports, ()):
        addresses = {ip.address for ip in port.fixed_ips}
        if port.device_id in servers:
            own |= addresses
            in_subnet |= {(ip.subnet_id, ip.address) for ip in port.fixed_ips}
        elif port.device_owner.startswith("compute:"):
            others |= addresses
    for server in known_or(project.servers, ()):
        (own if server.id in servers else others).update(a.address for a in server.addresses)
    return Addresses(in_subnet=frozenset(in_subnet), own=frozenset(own - others))


def why_balancer_belongs(
    balancer: LoadBalancer,
    reached_at: Collection[str],
    services: Sequence[LoadBalancerService],
    addresses: Addresses,
) -> str:
    """Why a load balancer belongs to the cluster, "" if nothing says so. `reached_at`: VIP and floating IP.

    cloud-provider-openstack writes the ID on the Service (annotation `loadbalancer.openstack.org/
    load-balancer-id`) and names what it makes `kube_service_<cluster>_<namespace>_<service>`, cut at 255
    characters (pkg/openstack/loadbalancer.go, GetLoadBalancerName). The cluster's name there is the cloud
    provider's own, often `kubernetes` in all clusters of a project: a name alone proves nothing, so an
    address of the Service or a member must agree.
    """
    by_member = any(
        addresses.has(member, balancer.vip_subnet_id) for pool in balancer.pools for member in pool.members
    )
    for service in sorted(services, key=lambda s: (s.namespace, s.name)):
        label = f"Service {service.namespace}/{service.name}"
        if service.load_balancer_id and service.load_balancer_id == balancer.id:
            return f"{label} names it"
        agrees = by_member or not set(reached_at).isdisjoint(service.addresses)
        if _named_for(balancer.name, service) and agrees:
            return f"it is named for {label}"
    return "its members are servers of the cluster" if by_member else ""


def _named_for(name: str, service: LoadBalancerService) -> bool:
    prefix, suffix = "kube_service_", f"_{service.namespace}_{service.name}"
    return name.startswith(prefix) and name.endswith(suffix) and len(name) > len(prefix + suffix)
