"""What must be rolled out to every node before the first one is swapped: the N-1 rule.

A large fleet lost logs a second time because nodes were rotated before their log agent was upgraded. So what
runs on a node must bear both runtimes one release before the runtime changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.plan.runtime_swap import ShipFirst

SHIPPED: Final = frozenset(
    {
        *("RP401", "RP402", "RP403", "RP404", "RP405", "RP418", "RP419"),
        *("RP420", "RP421", "RP422", "RP423", "RP424", "RP425", "RP426", "RP427", "RP428", "RP429"),
        *("RP432", "RP433", "RP434"),
    }
)
"""Codes whose remedy is a change of a workload or of a node's own scripts."""


def ship_first(findings: Iterable[Finding]) -> tuple[ShipFirst, ...]:
    """One row for each subject and code, worst first; notes are left out. `why` holds the evidence's first
    line."""
    found = [
        ShipFirst(
            what=finding.subject,
            why=finding.evidence[0] if finding.evidence else finding.consequence,
            todo=finding.remedy,
            code=finding.code,
        )
        for finding in sorted(findings, key=lambda finding: finding.sort_key)
        if finding.code in SHIPPED and finding.severity is not Severity.NOTE
    ]
    return tuple(dict.fromkeys(found))
