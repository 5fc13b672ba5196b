"""Which of a plan's objects the measured stages write, in the order in which they write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.plan.takeover import TakeoverPlan

STAGES = ("infrastructure", "workers", "control-plane")
"""The stages that write a cluster's objects; what comes before them is not in the rate."""


def written(plan: TakeoverPlan) -> list[Mapping[str, Any]]:
    """The documents."""
    return [
        plan.manifests[name]
        for stage in plan.stages
        if stage.name in STAGES
        for step in stage.steps
        if step.kind == "kubernetes.apply"
        for name in step.objects
    ]
