"""Alert rules and dashboards that ask for what Docker alone gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, some
from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.expression_facts import DockerExpression, Gone
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import uses, uses_docker

_WHY: Final[Mapping[Gone, str]] = {
    "container-filesystem": "cAdvisor gives it for no container of containerd",
    "sandbox-name": 'the sandbox of a pod has container="" with containerd',
    "docker-container-name": "with containerd it is the container's ID",
    "docker-cgroup": "the cgroups of containerd's containers have other names",
    "dockershim-metric": "the kubelet gives it for dockershim alone",
    "docker-daemon-metric": "dockerd gives it, which ends",
    "docker-unit": "the swap stops this unit",
}


@rule(
    "RP488",
    Severity.RISK,
    consequence="With each node that is swapped the expression finds less, or counts more than it did: an "
    "alert stays silent or fires for nothing, a panel is empty or wrong.",
    remedy="Write each so that it holds on both runtimes, or take it off, before the first node's turn.",
)
def expressions_depend_on_docker(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """By the object that they stand in. Panels alone are a note: nobody is woken by them."""
    if not uses_docker(snapshot):
        return
    found: dict[tuple[str, str], list[DockerExpression]] = defaultdict(list)
    for one in uses(snapshot, lambda facts: facts.docker_expressions):
        found[one.namespace, one.source].append(one)
    for (namespace, source), several in sorted(found.items()):
        kind, _sep, name = source.partition("/")
        panels = all(one.what == "panel" for one in several)
        lines = dict.fromkeys(line for one in several for line in _lines(one))
        yield seen(f"{kind} {namespace}/{name}", *some(lines), severity=Severity.NOTE if panels else None)


def _lines(one: DockerExpression) -> Iterator[str]:
    what = {"alert": "alert", "recording": "recording rule", "panel": "panel"}[one.what]
    place = f"{one.key}: " if one.key else ""
    for piece in one.pieces:
        yield f"{place}{what} {one.name}: {piece.text} ({_WHY[piece.gone]})"
