"""Agents and builders that look at containers through the runtime."""

from __future__ import annotations

from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import uses, uses_docker


@rule(
    "RP418",
    Severity.RISK,
    consequence="It looks at containers by their runtime: until it is told of the new one it sees none, or "
    "reports Docker as down.",
    remedy="Check its documentation for containerd: which socket, which settings. Roll that out to every "
    "node first; take docker-monitor out of node-problem-detector.",
)
def agents_look_at_the_runtime(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Security and monitoring agents, and node-problem-detector with its monitor of Docker."""
    if not uses_docker(snapshot):
        return
    for agent in uses(snapshot, lambda facts: facts.node_agents):
        yield seen(_subject(agent.namespace, agent.workload), agent.product, agent.image)
    for detector in uses(snapshot, lambda facts: facts.problem_detectors):
        subject = _subject(detector.namespace, detector.workload)
        if isinstance(detector.docker_monitor, Unknown):
            yield unseen(subject, detector.docker_monitor)
        elif detector.docker_monitor:
            yield seen(subject, "node-problem-detector with docker-monitor", detector.image)


@rule(
    "RP419",
    Severity.RISK,
    consequence="Builds by the node's Docker end with it. A Docker inside a pod goes on, but loses its cache "
    "with its pod.",
    remedy="Move builds to BuildKit, kaniko or a Docker in the pod itself before the nodes they run on are "
    "swapped.",
)
def images_are_built_by_docker(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Builders by the node's Docker; those with a Docker of their own are worth knowing."""
    if not uses_docker(snapshot):
        return
    for builder in uses(snapshot, lambda facts: facts.builders):
        own = builder.how == "dind"
        how = "a Docker of its own (dind)" if own else "the node's Docker, by its socket"
        yield seen(
            _subject(builder.namespace, builder.owner),
            how,
            builder.image,
            severity=Severity.NOTE if own else None,
        )


def _subject(namespace: str, workload: str) -> str:
    kind, _, name = workload.partition("/")
    return f"{kind} {namespace}/{name}"
