"""Networks: what an OpenStackCluster can say about them, and who else uses them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.openstack import Network, Subnet
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, servers
from replank.migrations.takeover.checks.rule import Sighting, Unseen, rule, seen, some
from replank.migrations.takeover.openstack.checks.ports import ports_of


def cluster_network(snapshot: Snapshot) -> Network:
    """The network that most control planes have a port in. Raises `Unseen` if there is none to be seen."""
    count: Counter[str] = Counter()
    for _machine, server in servers(snapshot, Role.CONTROL_PLANE):
        count.update({port.network_id for port in ports_of(snapshot, server)})
    if not count:
        raise Unseen(Unknown("no port of a control plane is seen, so the cluster's network is not known"))
    wanted = max(count, key=lambda network: (count[network], network))
    networks = {network.id: network for network in cloud(snapshot, lambda facts: facts.networks)}
    if wanted not in networks:
        raise Unseen(Unknown(f"network {wanted} is not among the networks that are seen"))
    return networks[wanted]


def _used_subnets(snapshot: Snapshot, network: Network, *roles: Role) -> dict[str, list[str]]:
    """Subnet ID -> servers of these roles that have an address in it on the cluster's network."""
    users: dict[str, list[str]] = defaultdict(list)
    for _machine, server in servers(snapshot, *roles):
        for port in ports_of(snapshot, server):
            if port.network_id == network.id:
                for subnet_id in {fixed.subnet_id for fixed in port.fixed_ips}:
                    users[subnet_id].append(server.name)
    return users


def _twice(subnets: Iterable[Subnet]) -> list[tuple[int, list[Subnet]]]:
    """IP versions with more than one subnet."""
    found: dict[int, list[Subnet]] = defaultdict(list)
    for subnet in sorted(subnets, key=lambda s: s.id):
        found[subnet.ip_version].append(subnet)
    return sorted((version, alike) for version, alike in found.items() if len(alike) > 1)


def _told(subnet: Subnet) -> str:
    return f"subnet {subnet.name or subnet.id} ({subnet.cidr})"


@rule(
    "RP140",
    Severity.BLOCKER,
    consequence="CAPO refuses an OpenStackCluster with two subnets of one IP version, so the control "
    "plane's network cannot be described.",
    remedy="Move the control planes into one subnet of each IP version before the takeover.",
)
def machines_stand_in_two_subnets(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Control planes in two subnets of one IP version; if only workers stand elsewhere it is a risk."""
    network = cluster_network(snapshot)
    subnets = {s.id: s for s in cloud(snapshot, lambda facts: facts.subnets)}
    ruling = _used_subnets(snapshot, network, Role.CONTROL_PLANE)
    everywhere = _used_subnets(snapshot, network)
    blocked = {version for version, _ in _twice(subnets[s] for s in ruling if s in subnets)}
    for version, alike in _twice(subnets[s] for s in everywhere if s in subnets):
        lines = (f"{_told(s)}: {', '.join(sorted(everywhere[s.id]))}" for s in alike)
        severity = None if version in blocked else Severity.RISK
        yield seen(f"network {network.name} (IPv{version})", *some(lines), severity=severity)


@rule(
    "RP141",
    Severity.NOTE,
    consequence="Without `subnets` CAPO would take all of them, and fail: two of one IP version, or more "
    "than two.",
    remedy="Nothing to do: the plan names the subnets that the control planes use, by ID.",
)
def network_has_more_subnets(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The cluster's network has subnets that no machine uses."""
    network = cluster_network(snapshot)
    used = _used_subnets(snapshot, network)
    subnets = {s.id: s for s in cloud(snapshot, lambda facts: facts.subnets)}
    unused = [subnet for subnet in network.subnet_ids if subnet not in used]
    if unused:
        lines = (_told(subnets[s]) if s in subnets else f"subnet {s}" for s in unused)
        yield seen(f"network {network.name}", *some(f"{line}: used by no machine" for line in lines))


@rule(
    "RP142",
    Severity.RISK,
    consequence="An OpenStackCluster has one network. Machines outside it are described by their own "
    "ports, but nothing checks that they can reach the API and each other.",
    remedy="Check routes and security groups between the networks before the first rollout of this group.",
)
def machine_is_outside_the_network(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A machine without a port in the cluster's network."""
    network = cluster_network(snapshot)
    for _machine, server in servers(snapshot):
        ports = ports_of(snapshot, server)
        if ports and all(port.network_id != network.id for port in ports):
            lines = (f"has a port in network {port.network_id}" for port in ports)
            yield seen(f"server {server.name}", f"no port in network {network.name}", *some(set(lines)))


@rule(
    "RP143",
    Severity.NOTE,
    consequence="The OpenStackCluster is made with disableExternalNetwork: CAPO then takes no external "
    "network by guess, and floating IPs cannot be its business.",
    remedy="Nothing to do if the network is a provider network or routed by other means.",
)
def network_has_no_router(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No router with a gateway stands on the cluster's subnets."""
    network = cluster_network(snapshot)
    routers = cloud(snapshot, lambda facts: facts.routers)
    joined = [r for r in routers if set(r.interface_subnet_ids) & set(network.subnet_ids)]
    if not any(router.external_network_id for router in joined):
        lines = (f"router {r.name or r.id} has no gateway" for r in joined)
        yield seen(f"network {network.name}", *(some(lines) or ("no router has an interface in it",)))


@rule(
    "RP144",
    Severity.NOTE,
    consequence="If CAPO owned it, deleting or changing this cluster would hit the others.",
    remedy="Nothing to do: networks, routers and security groups stay with Terraform.",
)
def resource_is_shared(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A network, subnet, router, security or server group that something else uses too."""
    for shared in cloud(snapshot, lambda facts: facts.shared):
        if shared.kind != "load_balancer":
            yield seen(f"{shared.kind} {shared.name or shared.id}", f"also used by {shared.shared_with}")
