"""Pod networking that asks the runtime."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.cni_socket import socket_need
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import uses, uses_docker


@rule(
    "RP405",
    Severity.BLOCKER,
    consequence="With the wrong socket it sees no pods, and frees the addresses of live ones: other pods "
    "get them. A large fleet lost traffic so.",
    remedy="Upgrade the CNI to a version that keeps its own record (amazon-vpc-cni 1.12 or newer), or mount "
    "an alias that always leads to the live runtime, and roll that out to every node first.",
)
def cni_asks_the_runtime(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A CNI whose daemon asks the runtime by its socket. In place the socket stays."""
    if not uses_docker(snapshot):
        return
    for daemon in uses(snapshot, lambda facts: facts.networks):
        kind, _slash, name = daemon.workload.partition("/")
        subject = f"{kind} {daemon.namespace}/{name}"
        need = socket_need(daemon.name, daemon.version)
        if need == "unknown":
            yield unseen(subject, Unknown(f"the image {daemon.image} does not tell {daemon.name}'s version"))
        elif need != "none":
            asks = "Docker's socket" if need == "docker" else "the CRI socket"
            yield seen(subject, f"{daemon.name} {daemon.version} asks {asks}", daemon.image)
