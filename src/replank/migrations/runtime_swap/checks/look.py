"""Ways to look at a snapshot from a rule of a runtime swap. Each raises `Unseen` where a fact is unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from replank.audit.rule import known
from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.cluster_api.controlled import NO_MANAGEMENT, ClusterApiFacts
from replank.inventory.facts.kubernetes import KubernetesFacts, PodFact
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.log_agents.judgement import Judgement, judge
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime
from replank.inventory.runtime.runtimes import RuntimeFacts

T = TypeVar("T")
STAYING_OWNERS: Final = ("DaemonSet", "Node")
"""Kinds whose pods a drain leaves where they are."""
DONE: Final = ("Succeeded", "Failed")


def runtimes(snapshot: Snapshot) -> RuntimeFacts:
    """The section. Unseen without `survey --runtime`."""
    return known(snapshot.runtimes)


def nodes(snapshot: Snapshot) -> tuple[NodeRuntime, ...]:
    """All Nodes, sorted by name. Unseen if there is none: a cluster has some."""
    found = runtimes(snapshot).nodes
    return found or known(Unknown("no Node of the cluster is known"))


def each(snapshot: Snapshot, pick: Callable[[NodeRuntime], Fact[T]]) -> Iterator[tuple[NodeRuntime, Fact[T]]]:
    """Each Node with one of its facts."""
    for node in nodes(snapshot):
        yield node, pick(node)


def on_docker(snapshot: Snapshot) -> tuple[NodeRuntime, ...]:
    """Nodes that run their pods by Docker, or of which nobody knows: an unknown one may."""
    return tuple(node for node in nodes(snapshot) if isinstance(node.name, Unknown) or node.name == "docker")


def uses_docker(snapshot: Snapshot) -> bool:
    """Whether the swap goes from Docker on some Node. In place, from one containerd to the next, sockets and
    pods stay."""
    return bool(on_docker(snapshot))


def switched(snapshot: Snapshot) -> frozenset[str]:
    """Names of Nodes that are drained for the swap: those on Docker."""
    return frozenset(node.node for node in on_docker(snapshot))


def controlled(snapshot: Snapshot) -> ClusterApiFacts | None:
    """The cluster's objects of Cluster API; None where it has none, or nobody names a management cluster."""
    facts = runtimes(snapshot).cluster_api
    return None if facts == NO_MANAGEMENT else known(facts)


def uses(snapshot: Snapshot, pick: Callable[[ClusterRuntimeFacts], Fact[T]]) -> T:
    """One fact of what hangs on the runtimes."""
    return known(pick(known(runtimes(snapshot).cluster)))


def kubernetes(snapshot: Snapshot, pick: Callable[[KubernetesFacts], Fact[T]]) -> T:
    """One fact of the cluster."""
    return known(pick(known(snapshot.kubernetes)))


def drained_pods(snapshot: Snapshot) -> tuple[PodFact, ...]:
    """Pods that a drain of the Nodes to be switched evicts, sorted."""
    drained = switched(snapshot)
    found = [
        pod
        for pod in kubernetes(snapshot, lambda facts: facts.pods)
        if pod.node in drained and pod.phase not in DONE and pod.owner.partition("/")[0] not in STAYING_OWNERS
    ]
    return tuple(sorted(found, key=lambda pod: (pod.namespace, pod.name)))


def judgements(snapshot: Snapshot) -> tuple[Judgement, ...]:
    """The log agents, judged."""
    return tuple(judge(agent) for agent in uses(snapshot, lambda facts: facts.log_agents))


def name_of(node: NodeRuntime) -> str:
    """`Node worker-1`."""
    return f"Node {node.node}"


def runtime_words(node: NodeRuntime) -> str:
    """`containerd 1.7.29`, as far as it is known."""
    name = node.name if is_known(node.name) else "unknown runtime"
    version = node.version if is_known(node.version) else "of unknown version"
    return f"{name} {version}"
