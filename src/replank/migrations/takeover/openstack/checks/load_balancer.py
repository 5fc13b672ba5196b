"""The API's load balancer: who it leads to, and what CAPO would change on it."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.severity import Severity
from replank.inventory.facts.openstack import HealthMonitor
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some
from replank.migrations.takeover.openstack.checks.api_entry import (
    api_balancers,
    balancer_addresses,
    control_plane_addresses,
    recorded_endpoint,
)

# CAPO v0.14.7, pkg/cloud/services/loadbalancer: delay, timeout, max_retries, max_retries_down.
CAPO_MONITOR = (10, 5, 5, 3)


def _if_managed(settings: AuditSettings, severity: Severity) -> Severity | None:
    """`severity` where CAPO is to manage the load balancer, a note where the planner has yet to choose."""
    return severity if settings.load_balancer == "managed" else Severity.NOTE


@rule(
    "RP145",
    Severity.RISK,
    consequence="Other users of the load balancer depend on this cluster's owner; a managed one is "
    "deleted, cascading, with the cluster.",
    remedy="Keep it unmanaged, or give this cluster a load balancer of its own first.",
)
def balancer_is_shared(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A load balancer that something else uses too. A blocker where CAPO is to manage it."""
    severity = Severity.BLOCKER if settings.load_balancer == "managed" else None
    for shared in cloud(snapshot, lambda facts: facts.shared):
        if shared.kind == "load_balancer":
            evidence = f"also used by {shared.shared_with}"
            yield seen(f"load balancer {shared.name or shared.id}", evidence, severity=severity)


@rule(
    "RP153",
    Severity.RISK,
    consequence="The API is reached through fewer machines than there are, or through one that is not a "
    "control plane: a rollout may take the last living member away.",
    remedy="Make the pool's members equal the control planes before the takeover.",
)
def members_are_not_the_control_planes(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A pool that lacks a control plane or has a foreign member."""
    addresses = control_plane_addresses(snapshot)
    for entry in api_balancers(snapshot):
        members = {member.address for member in entry.pool.members}
        reached = {addresses[m] for m in members if m in addresses}
        lines = [f"control plane {name} is no member" for name in set(addresses.values()) - reached]
        lines += [f"member {address} is no control plane" for address in members - set(addresses)]
        if lines:
            yield seen(f"pool {entry.pool.name or entry.pool.id}", *some(lines))


@rule(
    "RP154",
    Severity.RISK,
    consequence="Only one of them can be the Cluster's endpoint; whatever uses another is not looked "
    "after any more.",
    remedy="Find out who uses which, and take the others away or keep their pools right by other means.",
)
def several_balancers_lead_to_the_api(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """More than one load balancer leads to the API servers."""
    by_id = {entry.balancer.id: entry for entry in api_balancers(snapshot)}
    if len(by_id) > 1:
        lines = (f"{entry.subject}, VIP {entry.balancer.vip_address}" for entry in by_id.values())
        yield seen(f"cluster {snapshot.cluster}", *some(lines))


@rule(
    "RP155",
    Severity.RISK,
    consequence="A managed load balancer whose OpenStackCluster names no allowedCIDRs gets its list "
    "cleared: the API is then open to every address that can reach it.",
    remedy="With `load_balancer: managed` compare allowedCIDRs in the plan with the list seen here.",
)
def listener_has_allowed_cidrs(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """An access list on the API's listener. Quiet where the load balancer stays unmanaged."""
    if settings.load_balancer == "unmanaged":
        return
    for entry in api_balancers(snapshot):
        if entry.listener.allowed_cidrs:
            severity = _if_managed(settings, Severity.RISK)
            subject = f"listener {entry.listener.name or entry.listener.id}"
            yield seen(subject, *some(entry.listener.allowed_cidrs), severity=severity)


def _monitor_values(monitor: HealthMonitor) -> tuple[int, int, int, int]:
    return (monitor.delay, monitor.timeout, monitor.max_retries, monitor.max_retries_down)


@rule(
    "RP156",
    Severity.RISK,
    consequence="CAPO sets a managed monitor to what the OpenStackCluster says, and by default to 10 s / "
    "5 s / 5 / 3: a dead control plane stays a member for longer.",
    remedy="With `load_balancer: managed` compare `monitor` in the plan with the values seen here.",
)
def monitor_values_differ(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """A health monitor with other values than CAPO's, or none. Quiet where it stays unmanaged."""
    if settings.load_balancer == "unmanaged":
        return
    severity = _if_managed(settings, Severity.RISK)
    for entry in api_balancers(snapshot):
        monitor = entry.pool.monitor
        subject = f"monitor of pool {entry.pool.name or entry.pool.id}"
        if monitor is None:
            yield seen(subject, "the pool has no monitor", severity=severity)
        elif _monitor_values(monitor) != CAPO_MONITOR:
            delay, timeout, up, down = _monitor_values(monitor)
            says = f"delay {delay} s, timeout {timeout} s, max_retries {up}, max_retries_down {down}"
            yield seen(subject, says, severity=severity)


@rule(
    "RP157",
    Severity.RISK,
    consequence="CAPO's managed load balancer uses one port for listener, members and API server: it "
    "would make a second listener.",
    remedy="Keep it unmanaged.",
)
def listener_and_member_ports_differ(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """Listener on 443, members on 6443 and the like. A blocker where CAPO is to manage it."""
    if settings.load_balancer == "unmanaged":
        return
    severity = _if_managed(settings, Severity.BLOCKER)
    for entry in api_balancers(snapshot):
        ports = {member.protocol_port for member in entry.pool.members}
        if ports != {entry.listener.protocol_port}:
            lines = f"listener {entry.listener.protocol_port}, members {', '.join(map(str, sorted(ports)))}"
            yield seen(f"listener {entry.listener.name or entry.listener.id}", lines, severity=severity)


@rule(
    "RP158",
    Severity.RISK,
    consequence="Octavia refuses every change (409) while the load balancer is not ACTIVE: members cannot "
    "be kept right.",
    remedy="Wait, or have it failed over, before the takeover.",
)
def balancer_is_not_active(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The API's load balancer is not ACTIVE."""
    for entry in api_balancers(snapshot):
        if entry.balancer.provisioning_status not in ("", "ACTIVE"):
            yield seen(entry.subject, f"provisioning status {entry.balancer.provisioning_status}")


@rule(
    "RP159",
    Severity.RISK,
    consequence="The API has fewer living members than it seems; a rollout may take the last one away.",
    remedy="Mend the machine or the monitor until every member is ONLINE.",
)
def member_is_not_online(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A member that the monitor does not see alive."""
    for entry in api_balancers(snapshot):
        for member in sorted(entry.pool.members, key=lambda m: m.id):
            if member.operating_status not in ("", "ONLINE", "NO_MONITOR"):
                subject = f"member {member.name or member.address}"
                yield seen(subject, f"{member.address}:{member.protocol_port} is {member.operating_status}")


@rule(
    "RP162",
    Severity.RISK,
    consequence="Whether the API stands behind Octavia is not known: who keeps its pool right cannot be "
    "planned.",
    remedy="Give the survey's user Octavia's read access (`replank permissions`); without Octavia it is a "
    "fact.",
)
def balancers_cannot_be_seen(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No rights for Octavia, or no such service. Always an unknown."""
    cloud(snapshot, lambda facts: facts.load_balancers)
    yield from ()


@rule(
    "RP164",
    Severity.NOTE,
    consequence="With an unmanaged load balancer a name is fine. A managed one wants the literal address: "
    "CAPO takes the name at first and cannot change it later.",
    remedy="Keep the load balancer unmanaged, or accept an address as endpoint.",
)
def endpoint_is_a_name(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """The endpoint is a DNS name. A blocker where CAPO is to manage the load balancer."""
    endpoint = recorded_endpoint(snapshot)
    if not endpoint.is_address:
        severity = Severity.BLOCKER if settings.load_balancer == "managed" else None
        yield seen(f"endpoint {endpoint}", "controlPlaneEndpoint is a DNS name", severity=severity)


@rule(
    "RP163",
    Severity.RISK,
    consequence="The load balancer that replank sees may not be the one that clients use.",
    remedy="Check what stands in front of it, and who looks after that.",
)
def endpoint_is_not_the_balancer(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """There is a load balancer for the API, but the endpoint is another address."""
    entries = api_balancers(snapshot)
    endpoint = recorded_endpoint(snapshot)
    if not entries or not endpoint.is_address:
        return
    addresses = {a for entry in entries for a in balancer_addresses(snapshot, entry.balancer)}
    if endpoint.host not in addresses:
        lines = (f"{e.subject}: VIP {e.balancer.vip_address}" for e in entries)
        yield seen(f"endpoint {endpoint}", *some(set(lines)))
