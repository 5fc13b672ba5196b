"""A plan is run only if there is code for all of it."""

from __future__ import annotations

from replank.domain.errors import Refused
from replank.plan.model import Plan
from replank.ports.steps import Registry


def require_kinds(plan: Plan, registry: Registry) -> None:
    """Raises `Refused` (RP802) naming every kind of step and check that has no code."""
    steps = [step for stage in plan.stages for step in stage.steps]
    unknown = {f"step {step.kind}" for step in steps if step.kind not in registry.steps}
    unknown |= {
        f"check {check.kind}"
        for step in steps
        for check in (*step.before, *step.after)
        if check.kind not in registry.checks
    }
    if unknown:
        raise Refused(
            "RP802",
            f"The plan of {plan.cluster} cannot be run",
            f"this replank has no code for {', '.join(sorted(unknown))}",
            f"Use the replank that made it ({plan.made_by}), or plan again.",
        )
