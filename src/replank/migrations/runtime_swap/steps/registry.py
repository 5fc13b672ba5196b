"""All code of a runtime swap's plan, for the engine."""

from __future__ import annotations

from replank.migrations.runtime_swap.steps.checks import (
    etcd_healthy,
    nodes_ready,
    pods_kept,
    pods_ready,
    runs_on,
)
from replank.migrations.runtime_swap.steps.draining import DrainNode, OpenNode
from replank.migrations.runtime_swap.steps.etcd import EtcdSnapshotStep
from replank.migrations.runtime_swap.steps.node_swap import CommitNode, StageNode, SwapNode
from replank.ports.steps import Registry


def runtime_swap_registry() -> Registry:
    """Every kind of step and check that the planner emits."""
    return Registry(
        steps={
            "runtime.stage": StageNode(),
            "runtime.swap": SwapNode(),
            "runtime.commit": CommitNode(),
            "runtime.drain": DrainNode(),
            "runtime.open": OpenNode(),
            "runtime.etcd-snapshot": EtcdSnapshotStep(),
        },
        checks={
            "nodes.ready": nodes_ready,
            "node.runs-on": runs_on,
            "node.pods-kept": pods_kept,
            "node.pods-ready": pods_ready,
            "etcd.healthy": etcd_healthy,
        },
    )
