"""Where a runtime swap's steps and checks run."""

from __future__ import annotations

from typing import TypeAlias

from replank.plan.parameters import malformed, text
from replank.plan.runtime_swap import PlannedNode, RuntimeSwapPlan
from replank.ports import steps

At: TypeAlias = steps.At[RuntimeSwapPlan]


def node_of(at: At) -> PlannedNode:
    """The node that the step is about. Raises `Refused` RP877 where the plan has none of that name."""
    name = text(at.step.params, "node")
    for node in at.plan.nodes:
        if node.node == name:
            return node
    raise malformed("node", "names no node of the plan")
