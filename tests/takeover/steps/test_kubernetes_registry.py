"""Every kind of the plans that belongs to Kubernetes or Cluster API has its code."""

from __future__ import annotations

import pytest
from adopted import PLANS, World, golden

from replank.migrations.takeover.steps import kubernetes_registry
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.plan.model import Step

NAMES = sorted(path.stem for path in PLANS.glob("*.yaml"))


def steps(name: str) -> list[Step]:
    return [step for stage in golden(name).stages for step in stage.steps]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_the_golden_plans_is_bound(name: str) -> None:
    registry = takeover_registry()
    kinds = {step.kind for step in steps(name)}
    checks = {check.kind for step in steps(name) for check in (*step.before, *step.after)}
    assert sorted(kinds - registry.steps.keys()) == []
    assert sorted(checks - registry.checks.keys()) == []


def test_no_code_is_bound_that_no_plan_asks_for() -> None:
    """`kubernetes.node.same` belongs to renamed servers, of which no golden plan has any."""
    kinds = {step.kind for name in NAMES for step in steps(name)}
    checks = {c.kind for name in NAMES for step in steps(name) for c in (*step.before, *step.after)}
    assert kubernetes_registry.step_codes(None).keys() - kinds == set()
    assert kubernetes_registry.check_codes().keys() - checks == {"kubernetes.node.same"}


@pytest.mark.parametrize("name", NAMES)
def test_every_plan_is_adopted_and_undone(name: str) -> None:
    world = World(golden(name)).adopted()
    for step in world.steps():
        for check in step.after:
            if check.kind in world.checks and step.kind.startswith("cluster-api.unpause"):
                assert world.planned_check(step, check).outcome == "pass", (step.id, check.kind)
    for step in reversed(world.steps()):
        world.undo(step)
    assert {ref.kind for ref in world.management.objects} == {"Deployment"}
    assert world.management.harm == []


def test_verifying_steps_change_nothing() -> None:
    world = World().adopted()
    writes = len(world.management.writes) + len(world.workload.writes)
    looks = [step for step in world.steps() if step.kind.startswith("verify.")]
    assert len(looks) == 3
    for step in looks:
        world.apply(step)
        world.undo(step)
    assert len(world.management.writes) + len(world.workload.writes) == writes
