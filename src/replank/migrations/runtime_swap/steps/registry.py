"""All code of a runtime swap's plan, for the engine."""

from __future__ import annotations

from replank.migrations.runtime_swap.steps.agents import agents_ready
from replank.migrations.runtime_swap.steps.align import AlignObjects
from replank.migrations.runtime_swap.steps.checks import (
    etcd_healthy,
    nodes_ready,
    pods_kept,
    pods_ready,
    runs_on,
)
from replank.migrations.runtime_swap.steps.controlled_checks import (
    aligned,
    at_rest,
    kept,
    nothing_replaced,
)
from replank.migrations.runtime_swap.steps.draining import DrainNode, OpenNode
from replank.migrations.runtime_swap.steps.etcd import EtcdSnapshotStep
from replank.migrations.runtime_swap.steps.measuring import MeasureNode
from replank.migrations.runtime_swap.steps.node_swap import CommitNode, StageNode, SwapNode
from replank.migrations.runtime_swap.steps.templates import MakeTemplate
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
            "runtime.measure": MeasureNode(),
            "runtime.make-template": MakeTemplate(),
            "runtime.align": AlignObjects(),
        },
        checks={
            "nodes.ready": nodes_ready,
            "node.runs-on": runs_on,
            "node.pods-kept": pods_kept,
            "node.pods-ready": pods_ready,
            "etcd.healthy": etcd_healthy,
            "agents.ready": agents_ready,
            "controlled.at-rest": at_rest,
            "controlled.aligned": aligned,
            "controlled.nothing-replaced": nothing_replaced,
            "controlled.keep": kept,
        },
    )
