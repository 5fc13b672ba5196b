"""What Cluster API could do to the swap: replace a node in its window, or bring the old runtime again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, some
from replank.domain.severity import Severity
from replank.inventory.cluster_api.controlled import (
    NO_MANAGEMENT,
    BootstrapSpec,
    ClusterApiFacts,
    HealthCheck,
    Mention,
    UnhealthyAfter,
)
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.versions import parse_version
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import controlled, runtimes, uses_docker

IN_PLACE_S: Final = 2
"""How long a runtime is away in place: 0.6 to 1.3 s were seen."""
SWITCH_S: Final = 120
"""How long a node is not Ready in a switch: 7 s were seen, and many pods take longer."""
DEADLINE_S: Final = 900
"""When a node that is not well goes back, unless the plan says otherwise."""
_NOT_READY: Final = frozenset({("Ready", "False"), ("Ready", "Unknown")})
_OF_MACHINE: Final = frozenset({"NodeReady", "NodeHealthy", "Ready", "Available"})
"""Conditions of a Machine that follow its Node (cluster-api v1.14.0, api/core/v1beta2)."""


@rule(
    "RP430",
    Severity.BLOCKER,
    consequence="Cluster API could replace a node in its swap, and new machines would come with the old "
    "runtime: its objects have to be seen, and brought in line.",
    remedy="Let replank read the management cluster that fleet.yaml names (`replank permissions survey`), "
    "and survey again with --runtime. A cluster that no Cluster API has needs none.",
)
def cluster_api_is_not_seen(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Unknown where the management cluster does not answer; a note where fleet.yaml names none."""
    if runtimes(snapshot).cluster_api == NO_MANAGEMENT:
        yield seen(
            f"cluster {snapshot.cluster}",
            f"{NO_MANAGEMENT.unknown}: it is taken for a cluster that Cluster API does not have",
            severity=Severity.NOTE,
        )
    else:
        controlled(snapshot)


@rule(
    "RP435",
    Severity.BLOCKER,
    consequence="A MachineHealthCheck takes a node that is not Ready for lost: Cluster API deletes its "
    "Machine and makes another one, with the old runtime.",
    remedy="Pause it while nodes are swapped (annotation cluster.x-k8s.io/paused), or give it a longer time.",
)
def a_health_check_could_replace_a_node(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Shorter than a node's window; a risk where it is shorter than the time after which a node that is not
    well goes back by itself."""
    facts = controlled(snapshot)
    if facts is None:
        return
    window = SWITCH_S if uses_docker(snapshot) else IN_PLACE_S
    for check in facts.health_checks:
        times = [u.seconds for u in check.unhealthy if _follows_node(u)] if check.machines else []
        if times and min(times) <= DEADLINE_S:
            severity = None if min(times) <= window else Severity.RISK
            yield seen(f"MachineHealthCheck {check.name}", *_told(check, window), severity=severity)


def _follows_node(unhealthy: UnhealthyAfter) -> bool:
    if unhealthy.of == "Machine":
        return unhealthy.type in _OF_MACHINE
    return (unhealthy.type, unhealthy.status) in _NOT_READY


def _told(check: HealthCheck, window: int) -> Iterator[str]:
    for unhealthy in check.unhealthy:
        if _follows_node(unhealthy):
            yield f"{unhealthy.of} {unhealthy.type}={unhealthy.status} for {unhealthy.seconds} s"
    yield f"a node's window is up to {window} s; one that is not well goes back within {DEADLINE_S} s"
    yield f"it watches {', '.join(check.machines)}"


@rule(
    "RP436",
    Severity.BLOCKER,
    consequence="A new machine installs or starts the old runtime again, whatever its image has.",
    remedy="Take the named lines out, or let them bring the new runtime. In a KubeadmControlPlane such a "
    "change rolls all control planes unless each KubeadmConfig gets the same while it is paused.",
)
def new_machines_install_the_old_runtime(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """Commands and scripts of KubeadmControlPlane and KubeadmConfigTemplates; only places are told."""
    yield from _mentions(snapshot, settings, of_the_old=True)


@rule(
    "RP437",
    Severity.RISK,
    consequence="It was written for the runtime that goes. replank does not translate commands and files.",
    remedy="Look at the named lines: a configuration of containerd 1.x has other plugin names in 2.x, and "
    "what is about Docker does nothing or fails. The image with the new runtime may bring all of it.",
)
def bootstrap_is_about_a_runtime(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """All other lines and files that are about a runtime."""
    yield from _mentions(snapshot, settings, of_the_old=False)


@rule(
    "RP487",
    Severity.RISK,
    consequence="Machines that come meanwhile have the old runtime, and are not in the plan. Each step of "
    "the swap waits until nothing moves.",
    remedy="Let it end, then survey with --runtime and plan again.",
)
def machines_are_moving(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A rollout, scaling or deletion."""
    facts = controlled(snapshot)
    if facts is None:
        return
    for keeper in facts.keepers:
        if keeper.moving:
            yield seen(f"{keeper.kind} {keeper.name}", *keeper.moving)
    for machine in facts.machines:
        if machine.deleting:
            yield seen(f"Machine {machine.name}", "it is being deleted")


def _mentions(snapshot: Snapshot, settings: AuditSettings, *, of_the_old: bool) -> Iterator[Sighting]:
    facts = controlled(snapshot)
    if facts is None:
        return
    for spec, mentions in _of_new_machines(facts):
        old = [_old(mention, settings.containerd, uses_docker(snapshot)) for mention in mentions]
        told = [mention for mention, is_old in zip(mentions, old, strict=True) if is_old == of_the_old]
        if told:
            yield seen(f"{spec.kind} {spec.name}", *some(map(_line, told)))


def _of_new_machines(facts: ClusterApiFacts) -> Iterator[tuple[BootstrapSpec, tuple[Mention, ...]]]:
    """What a KubeadmControlPlane or MachineDeployment makes machines with."""
    used = {f"KubeadmConfigTemplate/{k.bootstrap}" if k.bootstrap else k.key for k in facts.keepers}
    for spec in facts.configurations:
        if f"{spec.kind}/{spec.name}" in used:
            yield spec, spec.mentions


def _old(mention: Mention, target: str, from_docker: bool) -> bool:
    """Whether it brings the runtime that goes."""
    if not mention.installs:
        return False
    if mention.word != "containerd":
        return from_docker
    named, wanted = parse_version(mention.version), parse_version(target)
    if named is None or wanted is None:
        return False
    return named < wanted if mention.version.count(".") > 1 else named.line < wanted.line


def _line(mention: Mention) -> str:
    what = (
        f"{'brings or starts' if mention.installs else 'is about'} {mention.word} {mention.version}".rstrip()
    )
    where = (
        f"{mention.place} line {mention.line}"
        if mention.line
        else f"{mention.place} (its content is not seen)"
    )
    return f"{where}: {what}"
