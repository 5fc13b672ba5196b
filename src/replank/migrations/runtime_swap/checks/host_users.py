"""What uses Docker on the nodes beside Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, some, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import Package
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.facts import DockerUser
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import each, name_of, switched

_OWN_UNITS: Final = ("/docker.service", "/docker.socket", "/cri-docker.service", "/cri-docker.socket")
_RUNTIME_PACKAGES: Final = frozenset(
    {
        *("containerd", "containerd.io", "runc", "docker-ce", "docker-ce-cli", "docker.io", "docker-engine"),
        *("moby-engine", "cri-dockerd"),
    }
)


@rule(
    "RP404",
    Severity.RISK,
    consequence="Once Docker is stopped these calls fail, mostly unseen: pruning, backups, start scripts. A "
    "unit that requires docker.service is stopped with it.",
    remedy="Move them to crictl, ctr or nerdctl, or take them off, before the node's turn.",
)
def docker_is_called_on_hosts(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Cron entries, units and scripts that name Docker, on nodes that run it."""
    docker = switched(snapshot)
    for node, users in each(snapshot, lambda node: node.docker_users):
        if node.node not in docker:
            continue
        if isinstance(users, Unknown):
            yield unseen(name_of(node), users)
        elif foreign := [user for user in users if not _own(user)]:
            lines = [f"{user.kind} {user.path}, line {user.line}: {user.word or '...'}" for user in foreign]
            yield seen(name_of(node), *some(lines))


def _own(user: DockerUser) -> bool:
    return user.kind == "unit" and any(unit in user.path for unit in _OWN_UNITS)


@rule(
    "RP412",
    Severity.NOTE,
    consequence="The swap changes no package before commit, so that the hold is no hindrance; what is held "
    "stays until somebody takes the hold off.",
    remedy="Decide who keeps the runtime's package after commit, and set the hold on the new one.",
)
def packages_are_held(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Packages of the runtime on hold, by node."""
    for node, packages in each(snapshot, lambda node: node.packages):
        if isinstance(packages, Unknown):
            yield unseen(name_of(node), packages)
            continue
        held = [_words(package) for package in packages if package.held and package.name in _RUNTIME_PACKAGES]
        if held:
            yield seen(name_of(node), *some(held))


def _words(package: Package) -> str:
    return f"{package.name} {package.version} is held"


@rule(
    "RP413",
    Severity.BLOCKER,
    consequence="They belong to no pod: Docker is stopped with them in it, and nothing starts them again.",
    remedy="Make pods or units of them, or stop and remove them, before the node's turn.",
)
def containers_are_outside_kubernetes(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Containers that no kubelet made. On containerd they outlive the daemon's restart; stopped ones matter
    only to their owner."""
    docker = switched(snapshot)
    for node, others in each(snapshot, lambda node: node.other_containers):
        if isinstance(others, Unknown):
            yield unseen(name_of(node), others)
            continue
        running = [f"{one.name} ({one.image or 'no image'}), running" for one in others if one.running]
        stopped = [f"{one.name} ({one.image or 'no image'}), stopped" for one in others if not one.running]
        severity = None if running and node.node in docker else Severity.NOTE
        if running or stopped:
            yield seen(name_of(node), *some([*running, *stopped]), severity=severity)
