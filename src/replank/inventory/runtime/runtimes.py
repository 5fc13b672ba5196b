"""The runtimes of a cluster: the section `runtimes` of a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.controlled import NOT_LOOKED_AT, ClusterApiFacts
from replank.inventory.runtime.cluster_facts import ClusterRuntimeFacts
from replank.inventory.runtime.facts import NodeRuntime

NOT_ASKED: Final = Unknown("the survey did not look at runtimes (`replank survey --runtime` does)", "RP000")
"""The section of a survey without `--runtime`. Such a snapshot has no section `runtimes` in its file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFacts:
    """`nodes`: one for each Node of the API, sorted by name; `cluster`: what hangs on them.
    `cluster_api`: the cluster's objects on its management cluster, None where that has no such Cluster."""

    nodes: tuple[NodeRuntime, ...]
    cluster: Fact[ClusterRuntimeFacts]
    cluster_api: Fact[ClusterApiFacts | None] = NOT_LOOKED_AT


def unseen_node(name: str, why: Unknown) -> NodeRuntime:
    """A Node that was not reached: each fact is unknown for the same reason."""
    facts: dict[str, Any] = {field.name: why for field in fields(NodeRuntime) if field.name != "node"}
    return NodeRuntime(node=name, **facts)
