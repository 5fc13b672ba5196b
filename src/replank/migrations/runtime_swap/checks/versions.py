"""Runtimes, their versions, and where one may go from them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.versions import Version, parse_version
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import name_of, nodes, runtime_words
from replank.migrations.runtime_swap.hops import LINES, is_supported, route

_RUNTIME_CONFIG: Final = (1, 38)
"""The first kubelet that does not start on a runtime without RuntimeConfig (KEP-4033)."""
_HAS_RUNTIME_CONFIG: Final = (2, 0)
_NEAR: Final = (1, 36)
_CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"


@rule(
    "RP414",
    Severity.NOTE,
    consequence="The kubelet of Kubernetes 1.38 does not start on it: an upgrade of Kubernetes ends at this "
    "node.",
    remedy="Swap to containerd 2.x before Kubernetes is upgraded to 1.38.",
)
def runtime_has_no_runtime_config(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Docker, or a containerd before 2.0, by how near 1.38 is."""
    for node in nodes(snapshot):
        facts = (node.name, node.version, node.kubelet_version)
        if blind := [fact for fact in facts if isinstance(fact, Unknown)]:
            yield unseen(name_of(node), *blind)
            continue
        version, kubelet = _version(node.version), _version(node.kubelet_version)
        if version is None or kubelet is None:
            yield unseen(name_of(node), Unknown(f"a version is none: {node.version}, {node.kubelet_version}"))
            continue
        old = node.name == "docker" or (node.name == "containerd" and version.line < _HAS_RUNTIME_CONFIG)
        if old:
            severity = Severity.BLOCKER if kubelet.line >= _RUNTIME_CONFIG else None
            severity = Severity.RISK if _NEAR <= kubelet.line < _RUNTIME_CONFIG else severity
            evidence = f"{runtime_words(node)}, kubelet {node.kubelet_version}"
            yield seen(name_of(node), evidence, severity=severity)


@rule(
    "RP415",
    Severity.RISK,
    consequence="One plan for all nodes fits them badly: what was tried on one says little about the other. "
    "A swap that stopped half-way looks like this, too.",
    remedy="Find out why; bring it to its peers' runtime and version, or let the plan treat it by itself.",
)
def node_differs_from_its_peers(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Nodes whose runtime or version is another than most of the same role have."""
    roles = _roles(snapshot)
    peers: dict[str, list[NodeRuntime]] = defaultdict(list)
    for node in nodes(snapshot):
        if isinstance(node.name, Unknown) or isinstance(node.version, Unknown):
            yield unseen(name_of(node), *(f for f in (node.name, node.version) if isinstance(f, Unknown)))
        else:
            peers[roles.get(node.node, "worker")].append(node)
    whole = Counter(runtime_words(node) for members in peers.values() for node in members)
    for role, members in sorted(peers.items()):
        counted = Counter(map(runtime_words, members))
        # Of two that are as frequent among these, what the cluster mostly has is the usual one.
        usual = min(counted, key=lambda words: (-counted[words], -whole[words], words))
        for node in members:
            if runtime_words(node) != usual:
                yield seen(
                    name_of(node),
                    runtime_words(node),
                    f"{counted[usual]} of {len(members)} {role}s have {usual}",
                )


@rule(
    "RP416",
    Severity.BLOCKER,
    consequence="Upstream neither supports nor tests this step: data that the old daemon wrote may not be "
    "read.",
    remedy="Go by the hops that the finding names, one after another; `--unsupported` is at your own risk.",
)
def hop_is_not_supported(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """Nodes from which the containerd to come is no supported hop, or which run something else."""
    target = _version(settings.containerd)
    if target is None:
        raise ValueError(f"{settings.containerd!r} is no version")
    for node in nodes(snapshot):
        if blind := [fact for fact in (node.name, node.version) if isinstance(fact, Unknown)]:
            yield unseen(name_of(node), *blind)
        elif evidence := _hindrance(node, target):
            yield seen(name_of(node), *evidence)


def _hindrance(node: NodeRuntime, target: Version) -> tuple[str, ...]:
    """Why not, in words; () for a supported step."""
    if node.name == "docker":
        # A second daemon on a root of its own: no data of Docker is read by it.
        return () if target.line in LINES else (f"replank does not know containerd {target}",)
    if node.name != "containerd":
        return (f"{runtime_words(node)}: replank swaps Docker and containerd only",)
    version = _version(node.version)
    if version is None:
        return (f"{node.version} is no version",)
    if is_supported(version.line, target.line):
        return ()
    ways = route(version.line, target.line)
    steps = " -> ".join(f"{major}.{minor}" for major, minor in ways)
    return (
        f"containerd {version} -> {target}",
        f"supported hops: {version.major}.{version.minor} -> {steps}" if ways else "no supported way there",
    )


def _roles(snapshot: Snapshot) -> dict[str, str]:
    kubernetes = snapshot.kubernetes
    listed = kubernetes if isinstance(kubernetes, Unknown) else kubernetes.nodes
    if isinstance(listed, Unknown):
        return {}
    return {node.name: "control plane" for node in listed if _CONTROL_PLANE in node.labels}


def _version(text: object) -> Version | None:
    return parse_version(text) if isinstance(text, str) else None
