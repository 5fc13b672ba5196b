"""An audit of a runtime swap in the terminal: the findings, then what must be shipped first."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from replank.audit.finding import Finding
from replank.plan.runtime_swap import ShipFirst
from replank.report.terminal.audit_view import audit_view
from replank.report.terminal.layout import section, table


def runtime_audit_view(
    cluster: str, findings: Sequence[Finding], first: Sequence[ShipFirst]
) -> RenderableType:
    """All findings of one cluster, worst first, and the table for the N-1 rule."""
    return Group(audit_view(cluster, findings), ship_first_view(first))


def ship_first_view(first: Sequence[ShipFirst]) -> Group:
    """What must run on every node before the first one is swapped; nothing if there is nothing."""
    if not first:
        return Group()
    rows = [(row.code, row.what, row.why, row.todo) for row in first]
    title = f"To be shipped before the first node is swapped ({len(rows)})"
    return section(title, table(("Code", "What", "Because", "Do"), rows))
