"""How clients reach the API: the endpoint, and the load balancers that lead to control planes."""

from __future__ import annotations

from dataclasses import dataclass

from replank.domain.roles import Role
from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import Listener, LoadBalancer, Pool
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, kubeadm, servers
from replank.migrations.takeover.checks.rule import Unseen
from replank.migrations.takeover.endpoint import Endpoint, parse_endpoint
from replank.migrations.takeover.openstack.checks.ports import ports_of

API_PORT = 6443


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiBalancer:
    """A listener whose pool has a control plane's API server among its members."""

    balancer: LoadBalancer
    listener: Listener
    pool: Pool

    @property
    def subject(self) -> str:
        """How findings call it."""
        return f"load balancer {self.balancer.name or self.balancer.id}"


def recorded_endpoint(snapshot: Snapshot) -> Endpoint:
    """kubeadm's controlPlaneEndpoint. Raises `Unseen` where it is unknown or empty."""
    text = kubeadm(snapshot).control_plane_endpoint
    found = parse_endpoint(text) if text else None
    if found is None:
        raise Unseen(Unknown(f"kubeadm-config has no usable controlPlaneEndpoint ({text!r})"))
    return found


def control_plane_addresses(snapshot: Snapshot) -> dict[str, str]:
    """Fixed address -> server name, of all control planes; from ports and from Nova. Raises `Unseen`."""
    found: dict[str, str] = {}
    for _machine, server in servers(snapshot, Role.CONTROL_PLANE):
        for port in ports_of(snapshot, server):
            found |= {fixed.address: server.name for fixed in port.fixed_ips}
        found |= {a.address: server.name for a in server.addresses if a.kind == "fixed"}
    return found


def api_balancers(snapshot: Snapshot) -> tuple[ApiBalancer, ...]:
    """All listeners that lead to control planes' API servers, sorted. Raises `Unseen`."""
    addresses = control_plane_addresses(snapshot)
    found = []
    for balancer in cloud(snapshot, lambda facts: facts.load_balancers):
        pools = {pool.id: pool for pool in balancer.pools}
        for listener in balancer.listeners:
            pool = pools.get(listener.pool_id)
            if pool and any(m.address in addresses and m.protocol_port == API_PORT for m in pool.members):
                found.append(ApiBalancer(balancer=balancer, listener=listener, pool=pool))
    return tuple(sorted(found, key=lambda b: (b.balancer.name, b.balancer.id, b.listener.id)))


def balancer_addresses(snapshot: Snapshot, balancer: LoadBalancer) -> set[str]:
    """The VIP and the floating IPs that lead to it. Raises `Unseen`."""
    floating = cloud(snapshot, lambda facts: facts.floating_ips)
    leading = {f.address for f in floating if f.port_id and f.port_id == balancer.vip_port_id}
    return {balancer.vip_address} | leading
