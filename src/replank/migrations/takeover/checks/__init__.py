"""All checks of a takeover. Each is a rule: one code, one function, pure in snapshot and settings."""

from __future__ import annotations

from typing import Final

from replank.audit.finding import AuditSettings, Finding
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks import (
    certificates,
    control_plane,
    etcd,
    identity,
    joining,
    kubeadm,
    management,
    terraform,
    versions,
    workers,
    workloads,
)
from replank.migrations.takeover.checks.rule import RULES, TAKEOVER_CHECKS, Rule
from replank.migrations.takeover.openstack.checks import (
    endpoint,
    floating_ips,
    load_balancer,
    networks,
    ports,
    provider_ids,
    quotas,
    servers,
    volumes,
)

# Importing a module registers its rules.
_REGISTERED: Final = (
    *(certificates, control_plane, etcd, identity, joining, kubeadm, management, terraform, versions),
    *(workers, workloads),
    *(endpoint, floating_ips, load_balancer, networks, ports, provider_ids, quotas, servers, volumes),
)

__all__ = ["RULES", "TAKEOVER_CHECKS", "Rule", "audit_takeover"]


def audit_takeover(snapshot: Snapshot, settings: AuditSettings) -> tuple[Finding, ...]:
    """All findings about taking this cluster over, worst first. What is unknown is a finding too."""
    return TAKEOVER_CHECKS.run(snapshot, settings)
