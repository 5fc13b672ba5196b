"""All checks of a runtime swap. Each is a rule: one code, one function, pure in snapshot and settings."""

from __future__ import annotations

from typing import Final

from replank.audit.finding import AuditSettings, Finding
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.checks import (
    agents,
    cluster_api,
    expressions,
    host_users,
    log_agents,
    network,
    packages,
    pods,
    room,
    sockets,
    unread,
    versions,
)
from replank.migrations.runtime_swap.checks.book import BOOK

# Importing a module registers its rules.
_REGISTERED: Final = (
    *(agents, cluster_api, expressions, host_users, log_agents, network, packages, pods, room, sockets),
    *(unread, versions),
)

RUNTIME_RULES: Final = BOOK.rules
RUNTIME_CHECKS: Final = BOOK.checks

__all__ = ["RUNTIME_CHECKS", "RUNTIME_RULES", "audit_runtime"]


def audit_runtime(snapshot: Snapshot, settings: AuditSettings) -> tuple[Finding, ...]:
    """All findings about swapping this cluster's runtime, worst first. What is unknown is a finding too."""
    return RUNTIME_CHECKS.run(snapshot, settings)
