"""Who reaches the runtime's socket or its data by a mount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen
from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.log_agents.judgement import Judgement
from replank.inventory.runtime.cluster_facts import RuntimeMount
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import judgements, uses, uses_docker

_SOCKETS = ("docker-socket", "dockershim-socket", "cri-dockerd-socket")


def _by_owner(snapshot: Snapshot, *held: str) -> dict[tuple[str, str], list[RuntimeMount]]:
    found: dict[tuple[str, str], list[RuntimeMount]] = defaultdict(list)
    for mount in uses(snapshot, lambda facts: facts.mounts):
        if mount.held in held:
            found[mount.namespace, mount.owner].append(mount)
    return found


def _sighting(owner: tuple[str, str], mounts: list[RuntimeMount], severity: Severity | None) -> Sighting:
    kind, _, name = owner[1].partition("/")
    lines = [
        f"{mount.path}{' (read only)' if mount.read_only else ''} in {', '.join(mount.containers)}"
        for mount in mounts
    ]
    where = sorted({node for mount in mounts for node in mount.nodes})
    lines.append(f"pods on {', '.join(where)}" if where else "no pod now")
    return seen(f"{kind} {owner[0]}/{name}", *lines, severity=severity)


@rule(
    "RP401",
    Severity.BLOCKER,
    consequence="On a node with containerd the socket is gone: the pod does not start (its hostPath has no "
    "socket), or it finds a folder where the socket was, or it works blindly.",
    remedy="Have the owner use the CRI socket by a runtime-neutral alias, or none at all, and roll that out "
    "to every node first.",
)
def docker_socket_is_mounted(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Docker's socket, dockershim's or cri-dockerd's, by owner. Without a Docker node it is dead already."""
    severity = None if uses_docker(snapshot) else Severity.NOTE
    for owner, mounts in sorted(_by_owner(snapshot, *_SOCKETS).items()):
        yield _sighting(owner, mounts, severity)


@rule(
    "RP402",
    Severity.RISK,
    consequence="The socket is reached through the folder, and nobody who searches for docker.sock finds "
    "the pod; after the swap it does not find Docker there.",
    remedy="Ask the owner what it looks for below the folder; mount only that.",
)
def parent_is_mounted(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A folder above a socket or data folder: `/`, `/run`, `/var/run`, `/var`, `/var/lib`."""
    severity = None if uses_docker(snapshot) else Severity.NOTE
    for owner, mounts in sorted(_by_owner(snapshot, "parent").items()):
        yield _sighting(owner, mounts, severity)


@rule(
    "RP403",
    Severity.RISK,
    consequence="After the swap nothing is written there any more: what reads it sees old data, or none.",
    remedy="Have the owner read /var/log/pods, or ask the kubelet; a log agent must read both until all "
    "nodes are swapped.",
)
def docker_data_is_mounted(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """/var/lib/docker or what is below it. A log agent that reads both formats needs it until the end."""
    if not uses_docker(snapshot):
        return
    found = sorted(_by_owner(snapshot, "docker-data", "docker-logs").items())
    ready = {_agent(judged) for judged in judgements(snapshot) if judged.reads == "both"} if found else set()
    for owner, mounts in found:
        if owner not in ready:
            yield _sighting(owner, mounts, None)


def _agent(judged: Judgement) -> tuple[str, str]:
    return judged.agent.namespace, judged.agent.workload
