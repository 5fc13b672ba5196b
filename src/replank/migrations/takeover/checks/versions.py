"""Versions: what Cluster API manages, and how far machines may be apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import kubernetes, nodes
from replank.migrations.takeover.checks.rule import Sighting, Unseen, rule, seen, some, unseen

# Cluster API's book, reference/versions: minor of Cluster API -> minors of Kubernetes it manages.
MANAGED_MINORS = {12: (29, 36), 13: (30, 36), 14: (31, 36)}
KUBELET_MINORS_BEHIND = 3
"""Kubernetes' version skew policy since 1.28."""
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?.*")


def parse_version(text: str) -> tuple[int, int, int] | None:
    """Major, minor, patch of `v1.34.4` or `1.34.4-1.1`; None if it is no version."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _known(text: str, what: str) -> tuple[int, int, int]:
    version = parse_version(text)
    if version is None:
        raise Unseen(Unknown(f"{what} {text!r} is no version"))
    return version


@rule(
    "RP250",
    Severity.BLOCKER,
    consequence="This version of Cluster API is neither built nor tested for it: configurations and "
    "conditions may not fit.",
    remedy="Upgrade the cluster with kubeadm first, or use another version of Cluster API.",
)
def version_is_out_of_range(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """The cluster's Kubernetes version is outside the range of the Cluster API to be used."""
    text = kubernetes(snapshot, lambda facts: facts.version)
    version = _known(text, "the API server's version")
    _major, minor, _patch = _known(settings.cluster_api_version, "Cluster API's version")
    if minor not in MANAGED_MINORS:
        why = f"replank does not know which versions Cluster API {settings.cluster_api_version} manages"
        yield unseen(f"Kubernetes {text}", Unknown(why))
        return
    oldest, newest = MANAGED_MINORS[minor]
    if not (1, oldest) <= version[:2] <= (1, newest):
        evidence = f"Cluster API {settings.cluster_api_version} manages 1.{oldest} to 1.{newest}"
        yield seen(f"Kubernetes {text}", evidence)


@rule(
    "RP251",
    Severity.BLOCKER,
    consequence="A KubeadmControlPlane has one version: it would replace the machines of another at once, "
    "and with more than one minor between them it refuses to adopt.",
    remedy="Finish the upgrade of the control plane before the takeover.",
)
def control_planes_differ_in_version(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Control planes with different kubelet versions."""
    found = {node.name: node.kubelet_version for _, node in nodes(snapshot, Role.CONTROL_PLANE)}
    if not found:
        raise Unseen(Unknown("no Node of a control plane is seen"))
    if len(set(found.values())) > 1:
        yield seen("control plane", *some(f"{name}: {version}" for name, version in found.items()))


@rule(
    "RP252",
    Severity.RISK,
    consequence="A MachineSet makes no new machine while its minor differs from the control plane's.",
    remedy="Upgrade these workers, or plan their upgrade as the first rollout after the takeover.",
)
def worker_has_another_minor(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Workers whose minor version is not the control plane's."""
    server = _known(kubernetes(snapshot, lambda facts: facts.version), "the API server's version")
    for _machine, node in nodes(snapshot, Role.WORKER):
        version = parse_version(node.kubelet_version)
        if version is None:
            yield unseen(f"Node {node.name}", Unknown(f"{node.kubelet_version!r} is no version"))
        elif version[:2] != server[:2]:
            evidence = f"kubelet {node.kubelet_version}, control plane 1.{server[1]}"
            yield seen(f"Node {node.name}", evidence)


@rule(
    "RP253",
    Severity.BLOCKER,
    consequence="Kubernetes does not support this distance, and Machines of such a version would be "
    "adopted into it.",
    remedy="Upgrade the control plane or these workers until they are within the skew policy.",
)
def worker_is_too_far_apart(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A kubelet newer than the API server, or more than three minors older."""
    server = _known(kubernetes(snapshot, lambda facts: facts.version), "the API server's version")
    for _machine, node in nodes(snapshot, Role.WORKER):
        version = parse_version(node.kubelet_version)
        if version is None:
            yield unseen(f"Node {node.name}", Unknown(f"{node.kubelet_version!r} is no version"))
        elif not 0 <= server[1] - version[1] <= KUBELET_MINORS_BEHIND or version[0] != server[0]:
            evidence = f"kubelet {node.kubelet_version}, API server 1.{server[1]}"
            yield seen(f"Node {node.name}", evidence)


@rule(
    "RP254",
    Severity.RISK,
    consequence="The Machine's version would be true for one half of the machine only; an upgrade was not "
    "finished.",
    remedy="Bring kubelet and static pods of this machine to one version.",
)
def components_have_another_version(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A control-plane component whose image tag is not its kubelet's version."""
    kubelets = {node.name: node.kubelet_version for _, node in nodes(snapshot, Role.CONTROL_PLANE)}
    told: dict[str, list[str]] = defaultdict(list)
    for pod in kubernetes(snapshot, lambda facts: facts.control_plane_pods):
        tag = pod.image.partition("@")[0].rpartition(":")[2]
        version, kubelet = parse_version(tag), parse_version(kubelets.get(pod.node, ""))
        if version and kubelet and version != kubelet:
            told[pod.node].append(f"{pod.component} {tag}")
    for node, lines in sorted(told.items()):
        yield seen(f"Node {node}", f"kubelet {kubelets[node]}", *some(lines))
