"""Nodes whose runtime was swapped: from what to what, how long it took, and whether their pods were kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.plan.model import Plan
from replank.plan.runtime_swap import PlannedNode, RuntimeSwapPlan
from replank.report.run.events import number, word
from replank.report.run.model import NodeSwap, StepReport

_SWAP: Final = "runtime.swap"
_PODS: Final = ("node.pods-kept", "node.pods-ready")
"""Checks after a swap that look at the node's pods."""


def node_swaps(plan: Plan, steps: Sequence[StepReport]) -> tuple[NodeSwap, ...]:
    """Every node of the plan, in its order; none of a plan that swaps no runtime."""
    if not isinstance(plan, RuntimeSwapPlan):
        return ()
    swaps = {word(step.params, "node"): step for step in steps if step.kind == _SWAP}
    return tuple(_swap(node, swaps[node.node]) for node in plan.nodes if node.node in swaps)


def _swap(node: PlannedNode, step: StepReport) -> NodeSwap:
    told = [did.evidence for did in step.did if did.direction == "apply" and isinstance(did.evidence, dict)]
    looked = [gate for gate in step.gates if gate.kind in _PODS and gate.outcome != "not asked"]
    return NodeSwap(
        node=node.node,
        role=node.role,
        strategy=node.strategy,
        runtime=node.runtime,
        to=node.to,
        status=step.status,
        window_s=number(told[-1], "window_s") if told else None,
        pods=f"{looked[-1].says}: {looked[-1].outcome}" if looked else "",
    )
