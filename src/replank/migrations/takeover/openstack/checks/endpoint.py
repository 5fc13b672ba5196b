"""What the endpoint leads to where no Octavia load balancer stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, fact_of_cluster, seen_hosts, servers
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen
from replank.migrations.takeover.openstack.checks.api_entry import (
    api_balancers,
    control_plane_addresses,
    recorded_endpoint,
)
from replank.migrations.takeover.openstack.checks.ports import ports_of

VIP_PACKAGES = ("keepalived",)
VIP_WORDS = ("kube-vip", "keepalived")


def _vip_signs(snapshot: Snapshot, host: str) -> tuple[list[str], list[Unknown]]:
    """Signs of a VIP that the machines themselves keep, and what could not be seen."""
    signs: list[str] = []
    virtual, blind = seen_hosts(snapshot, lambda facts: facts.virtual_ips)
    signs += [f"{machine.name} carries {host}" for machine, ips in virtual if _among(host, ips)]
    packages, without = seen_hosts(snapshot, lambda facts: facts.packages)
    for machine, installed in packages:
        names = {package.name for package in installed} & set(VIP_PACKAGES)
        signs += [f"{machine.name} has the package {name}" for name in sorted(names)]
    for _machine, server in servers(snapshot, Role.CONTROL_PLANE):
        for port in ports_of(snapshot, server):
            pairs = [pair.address for pair in port.allowed_address_pairs]
            if _among(host, pairs):
                signs.append(f"{host} is an allowed address of {server.name}")
    unknown = [fact for _, fact in (*blind, *without)]
    pods = fact_of_cluster(snapshot, lambda facts: facts.pods)
    if isinstance(pods, Unknown):
        unknown.append(pods)
    else:
        found = {f"pod {p.namespace}/{p.name}" for p in pods if p.name.startswith(VIP_WORDS)}
        signs += sorted(found)
    return signs, unknown


def _among(host: str, addresses: Iterable[str]) -> bool:
    return any(address.partition("/")[0] == host for address in addresses)


@rule(
    "RP150",
    Severity.BLOCKER,
    consequence="The endpoint cannot be changed later: the first rollout that replaces this machine takes "
    "the API's address away, and with it the cluster.",
    remedy="Put a load balancer or a DNS name in front, make it controlPlaneEndpoint and a SAN of the API "
    "certificates, and survey again.",
)
def endpoint_is_one_control_plane(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """controlPlaneEndpoint is the address of one control plane, fixed or floating."""
    endpoint = recorded_endpoint(snapshot)
    addresses = control_plane_addresses(snapshot)
    ports = {p.id: s.name for _, s in servers(snapshot, Role.CONTROL_PLANE) for p in ports_of(snapshot, s)}
    if endpoint.is_address and endpoint.host not in addresses:
        floating = cloud(snapshot, lambda facts: facts.floating_ips)
        addresses |= {f.address: ports[f.port_id] for f in floating if f.port_id in ports}
    owner = addresses.get(endpoint.host)
    if owner:
        yield seen(f"endpoint {endpoint}", f"{endpoint.host} is an address of {owner}")
    elif not endpoint.is_address and any(name == endpoint.host for name in addresses.values()):
        yield seen(f"endpoint {endpoint}", f"{endpoint.host} is the name of one control plane")


@rule(
    "RP151",
    Severity.RISK,
    consequence="New control planes keep the virtual IP only if their image or their static pods bring "
    "keepalived or kube-vip, and their ports the allowed address pair. Otherwise it is gone with the last "
    "old machine.",
    remedy="Put it into the image or into the control plane's files before the first rollout.",
)
def endpoint_is_a_virtual_ip(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A virtual IP kept by keepalived or kube-vip on the control planes."""
    endpoint = recorded_endpoint(snapshot)
    signs, unknown = _vip_signs(snapshot, endpoint.host)
    if signs:
        yield seen(f"endpoint {endpoint}", *some(signs))
    elif unknown:
        yield unseen(f"endpoint {endpoint}", *unknown)


@rule(
    "RP152",
    Severity.RISK,
    consequence="Nothing that replank sees balances the API. Whatever does must learn of every control "
    "plane that Cluster API makes or removes.",
    remedy="Find out what answers at the endpoint (HAProxy, a hardware balancer, DNS) and who keeps its "
    "members right.",
)
def endpoint_leads_elsewhere(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No load balancer of the project, no virtual IP and no control plane is the endpoint."""
    endpoint = recorded_endpoint(snapshot)
    if api_balancers(snapshot) or endpoint.host in control_plane_addresses(snapshot):
        return
    signs, _unknown = _vip_signs(snapshot, endpoint.host)
    if not signs:
        yield seen(f"endpoint {endpoint}", "no load balancer of the project leads to the control planes")
