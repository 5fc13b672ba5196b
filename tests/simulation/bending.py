"""Plans and registries bent on purpose: what happens where a gate is off, or the plan wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from replank.domain.verdict import Verdict, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.registry import takeover_registry
from replank.plan.model import Step
from replank.plan.takeover import TakeoverPlan
from replank.ports.steps import Registry


def with_steps(plan: TakeoverPlan, bend: Callable[[Step], Step | None]) -> TakeoverPlan:
    """Each step as `bend` makes it; None leaves it out."""
    stages = [
        replace(stage, steps=tuple(kept for step in stage.steps if (kept := bend(step)) is not None))
        for stage in plan.stages
    ]
    return replace(plan, stages=tuple(stages))


def with_params(step: Step, **params: JSON) -> Step:
    return replace(step, params={**step.params, **params})


def without_gates() -> Registry:
    """The real steps, with every check answering pass."""

    async def blind(at: At, params: Mapping[str, JSON]) -> Verdict:
        return passed()

    registry = takeover_registry()
    return Registry(steps=registry.steps, checks=dict.fromkeys(registry.checks, blind))


def wrong_port_name(plan: TakeoverPlan) -> TakeoverPlan:
    """Every port gets a name by which CAPO does not look."""

    def bend(step: Step) -> Step:
        if step.kind != "openstack.port.rename":
            return step
        return with_params(step, new=f"{step.params['new']}-wrong")

    return with_steps(plan, bend)


def writing_credential(plan: TakeoverPlan) -> TakeoverPlan:
    """The first credential is no fence."""

    def bend(step: Step) -> Step:
        return with_params(step, roles=["member"]) if step.params.get("roles") else step

    return with_steps(plan, bend)


def authority_missing(plan: TakeoverPlan) -> TakeoverPlan:
    """Nobody writes the Secret of the front-proxy CA."""
    return with_steps(plan, lambda step: None if step.params.get("secret") == "one-proxy" else step)


def worker_outside(plan: TakeoverPlan) -> TakeoverPlan:
    """The worker's labels do not match its MachineSet."""
    manifests: dict[str, Any] = copy.deepcopy(dict(plan.manifests))
    manifests["Machine/one-worker-1"]["metadata"]["labels"]["cluster.x-k8s.io/deployment-name"] = "another"
    return replace(plan, manifests=manifests)


def other_region(plan: TakeoverPlan) -> TakeoverPlan:
    """CAPO computes providerIDs with a region that the Nodes' do not have."""
    manifests: dict[str, Any] = copy.deepcopy(dict(plan.manifests))
    identity = {"name": f"{plan.cluster}-cloud-config", "cloudName": "openstack", "region": "RegionTwo"}
    for name, document in manifests.items():
        if name.startswith("OpenStackMachine/"):
            document["spec"]["identityRef"] = identity
    return replace(plan, manifests=manifests)
