"""Floating IPs: CAPO deletes those of a control plane together with the machine."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.inventory.facts.openstack import FloatingIP, Server
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import cloud, known, servers
from replank.migrations.takeover.checks.rule import Sighting, rule, seen
from replank.migrations.takeover.endpoint import parse_endpoint
from replank.migrations.takeover.openstack.checks.ports import ports_of


def _on(snapshot: Snapshot, role: Role) -> Iterator[tuple[Server, FloatingIP]]:
    floating = {f.port_id: f for f in cloud(snapshot, lambda facts: facts.floating_ips) if f.port_id}
    for _machine, server in servers(snapshot, role):
        for port in ports_of(snapshot, server):
            if port.id in floating:
                yield server, floating[port.id]


@rule(
    "RP160",
    Severity.RISK,
    consequence="When Cluster API first deletes this machine, CAPO deletes the floating IP itself, not "
    "only its association, also with disableAPIServerFloatingIP.",
    remedy="Take it off the machine first (`openstack server remove floating ip`), or put it on a bastion "
    "or load balancer.",
)
def control_plane_has_floating_ip(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A floating IP on a control plane. A blocker where it is the endpoint."""
    found = tuple(_on(snapshot, Role.CONTROL_PLANE))
    if not found:
        return
    config = known(known(snapshot.kubernetes).kubeadm_config)
    endpoint = parse_endpoint(config.control_plane_endpoint) if config else None
    for server, floating in found:
        is_endpoint = endpoint is not None and endpoint.host == floating.address
        severity = Severity.BLOCKER if is_endpoint else None
        yield seen(f"floating IP {floating.address}", f"is on {server.name}", severity=severity)


@rule(
    "RP161",
    Severity.NOTE,
    consequence="It stays with this machine; a machine made in its place has none.",
    remedy="Check who uses the address, and lead it through a load balancer before the first rollout.",
)
def worker_has_floating_ip(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A floating IP on a worker."""
    for server, floating in _on(snapshot, Role.WORKER):
        yield seen(f"floating IP {floating.address}", f"is on {server.name}")
