"""Wrong plans: replank's own, bent as a mistaken or malicious planner would have made them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from proving_ground.cloud.configuration import REGION
from replank.inventory.facts.json_value import JSON
from replank.plan.model import PlanCheck, Step
from replank.plan.takeover import PlannedMachine, TakeoverPlan


def port_name(plan: TakeoverPlan) -> TakeoverPlan:
    """The worker's port gets, everywhere in the plan, a name by which CAPO does not look."""
    machine = _machine(plan, "worker")
    right, wrong = machine.ports[0].new, f"{machine.machine}-wrong"
    ports = (replace(machine.ports[0], new=wrong), *machine.ports[1:])
    machines = tuple(replace(m, ports=ports) if m is machine else m for m in plan.machines)

    def bend(step: Step) -> Step:
        return _with_text(step, right, wrong) if step.kind == "openstack.port.rename" else step

    return with_steps(replace(plan, machines=machines), bend)


def etcd_member(plan: TakeoverPlan) -> TakeoverPlan:
    """etcd's member is expected under another name than it has."""
    node = _machine(plan, "control-plane").node

    def bend(check: PlanCheck) -> PlanCheck:
        if check.kind != "etcd.members-are-nodes":
            return check
        return PlanCheck(kind=check.kind, says=check.says, params=_replaced(check.params, node, "etcd-0"))

    return with_steps(
        plan,
        lambda step: replace(
            step, before=tuple(map(bend, step.before)), after=tuple(bend(c) for c in step.after)
        ),
    )


def without_authority(plan: TakeoverPlan) -> TakeoverPlan:
    """No Secret for the cluster's CA."""
    name = f"{plan.cluster}-ca"
    bent = replace(plan, secrets=tuple(secret for secret in plan.secrets if secret.name != name))
    return with_steps(bent, lambda step: None if step.params.get("secret") == name else step)


def worker_outside(plan: TakeoverPlan) -> TakeoverPlan:
    """The worker's labels are not those that its MachineSet selects."""
    key = f"Machine/{_machine(plan, 'worker').machine}"

    def bend(machine: dict[str, Any]) -> None:
        machine["metadata"]["labels"]["cluster.x-k8s.io/deployment-name"] = "another"

    return _with_manifest(plan, key, bend)


def region_of_capo(plan: TakeoverPlan) -> TakeoverPlan:
    """CAPO would put the cloud's region into the providerIDs; the Nodes' have none."""
    bent = plan
    for machine in plan.machines:
        bent = _with_manifest(bent, f"OpenStackMachine/{machine.machine}", _in_region)
    return bent


def region_of_nodes(plan: TakeoverPlan) -> TakeoverPlan:
    """The plan takes the Nodes for those of another region."""
    wanted = {
        m.provider_id: m.provider_id.replace("openstack:///", "openstack://west/") for m in plan.machines
    }
    machines = tuple(replace(m, provider_id=wanted[m.provider_id]) for m in plan.machines)

    def bend(step: Step) -> Step:
        for old, new in wanted.items():
            step = _with_text(step, old, new)
        return step

    return with_steps(region_of_capo(replace(plan, machines=machines)), bend)


def without_control_plane(plan: TakeoverPlan) -> TakeoverPlan:
    """The control plane has no Machine, but a KubeadmControlPlane."""
    name = _machine(plan, "control-plane").machine
    left_out = {f"{kind}/{name}" for kind in ("Machine", "KubeadmConfig", "OpenStackMachine")}
    manifests = {key: document for key, document in plan.manifests.items() if key not in left_out}
    bent = with_steps(plan, lambda step: None if left_out & set(step.objects) else step)
    (kcp,) = [key for key in manifests if key.startswith("KubeadmControlPlane/")]
    return _with_manifest(replace(bent, manifests=manifests), kcp, _on_the_ground)


def _on_the_ground(kcp: dict[str, Any]) -> None:
    """kubeadm of a new control plane does not like the cgroups of machines that are containers. The settings
    of `joinConfiguration` are of no use: KCP gives its first Machine those of `initConfiguration` alone, and
    the bootstrap controller makes it join all the same."""
    lines = (
        "nodeRegistration:",
        "  ignorePreflightErrors: [SystemVerification]",
        "  kubeletExtraArgs:",
        "  - {name: cloud-provider, value: external}",
        '  - {name: provider-id, value: "openstack:///{{ instance_id }}"}',
    )
    script = "s#^nodeRegistration:$#" + "\\n".join(lines) + "#"
    commands = [f"sed -i '{script}' /run/kubeadm/kubeadm-join-config.yaml"]
    kcp["spec"]["kubeadmConfigSpec"]["preKubeadmCommands"] = commands


def with_authority_unwritten(plan: TakeoverPlan, purpose: str) -> TakeoverPlan:
    """Nobody writes the Secret of a CA."""
    name = f"{plan.cluster}-{purpose}"
    return with_steps(plan, lambda step: None if step.params.get("secret") == name else step)


def writing_credential(plan: TakeoverPlan) -> TakeoverPlan:
    """CAPO can write from the start."""

    def bend(step: Step) -> Step:
        roles = step.params.get("roles")
        return replace(step, params={**step.params, "roles": ["member"]}) if roles else step

    return with_steps(plan, bend)


def stopping_before(plan: TakeoverPlan, slug: str) -> TakeoverPlan:
    """A person is asked before the step whose ID holds `slug`."""
    return with_steps(plan, lambda step: replace(step, approval="look") if slug in step.id else step)


def with_steps(plan: TakeoverPlan, bend: Callable[[Step], Step | None]) -> TakeoverPlan:
    """Each step as `bend` makes it; None leaves it out."""
    stages = tuple(
        replace(stage, steps=tuple(bent for step in stage.steps if (bent := bend(step)) is not None))
        for stage in plan.stages
    )
    return replace(plan, stages=stages)


def step_id(plan: TakeoverPlan, slug: str) -> str:
    """The one step whose ID holds `slug`."""
    (found,) = [step.id for stage in plan.stages for step in stage.steps if slug in step.id]
    return found


def _in_region(machine: dict[str, Any]) -> None:
    cluster = machine["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"]
    identity = {"name": f"{cluster}-cloud-config", "cloudName": "openstack", "type": "Secret"}
    machine["spec"]["identityRef"] = {**identity, "region": REGION}


def _machine(plan: TakeoverPlan, role: str) -> PlannedMachine:
    return next(machine for machine in plan.machines if machine.role == role)


def _with_manifest(plan: TakeoverPlan, key: str, bend: Callable[[dict[str, Any]], None]) -> TakeoverPlan:
    document: dict[str, Any] = copy.deepcopy(dict(plan.manifests[key]))
    bend(document)
    return replace(plan, manifests={**plan.manifests, key: document})


def _with_text(step: Step, old: str, new: str) -> Step:
    def checks(given: tuple[PlanCheck, ...]) -> tuple[PlanCheck, ...]:
        return tuple(replace(check, params=_replaced(check.params, old, new)) for check in given)

    params = _replaced(step.params, old, new)
    return replace(step, params=params, before=checks(step.before), after=checks(step.after))


def _replaced(params: Mapping[str, JSON], old: str, new: str) -> Mapping[str, JSON]:
    """Every string `old` in it, keys aside."""

    def walk(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: walk(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [walk(item) for item in value]
        return new if value == old else value

    return dict(walk(params))
