"""Nodes about which too little is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.facts import NodeRuntime
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import name_of, nodes

_ONLY_FOR_PACKAGES: Final = "offered"
"""Matters to a plan with `--package` alone, which has a blocker of its own (RP400)."""


@rule(
    "RP417",
    Severity.BLOCKER,
    consequence="What nobody has seen cannot be carried over: no plan is made for this node.",
    remedy="Mend what the evidence names (SSH, sudo, a program that is missing), then survey again with "
    "--runtime.",
)
def facts_are_unknown(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Each node with facts that could not be read, by their causes."""
    for node in nodes(snapshot):
        unknown = {
            field.name: fact
            for field in fields(NodeRuntime)
            if field.name != _ONLY_FOR_PACKAGES and isinstance(fact := getattr(node, field.name), Unknown)
        }
        if unknown:
            yield unseen(name_of(node), *unknown.values())
        elif (dump := _dump(node)) is not None:
            yield seen(name_of(node), dump.unknown)


def _dump(node: NodeRuntime) -> Unknown | None:
    """containerd's own word of what is in force; files alone do not tell it."""
    configuration = node.containerd
    if isinstance(configuration, Unknown) or configuration is None or node.name != "containerd":
        return None
    return configuration.dump if isinstance(configuration.dump, Unknown) else None
