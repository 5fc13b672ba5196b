"""The golden plan of the healthy cluster, a world for it, and what controllers make of its objects."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from kubernetes_fake import FakeApi, discovery

from replank.domain.verdict import Verdict, passed
from replank.migrations.takeover.steps import kubernetes_registry
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import CHILDREN_FIRST, api_version, kind_in, name_in
from replank.plan import codec
from replank.plan.model import PlanCheck, Step
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Access, Document, Judgement, ObjectRef, Rolling

PLANS = Path(__file__).parents[1] / "plans"
T = TypeVar("T")

PAUSABLE = (
    "Cluster",
    "Machine",
    "MachineSet",
    "MachineDeployment",
    "KubeadmControlPlane",
    "KubeadmConfig",
)
OWNED_BY_THE_CLUSTER = (
    "OpenStackCluster",
    "KubeadmControlPlane",
    "MachineDeployment",
    "OpenStackMachineTemplate",
    "KubeadmConfigTemplate",
)
FINALIZERS = {
    "Cluster": "cluster.cluster.x-k8s.io",
    "Machine": "machine.cluster.x-k8s.io",
    "MachineSet": "cluster.x-k8s.io/machineset",
    "MachineDeployment": "cluster.x-k8s.io/machinedeployment",
    "KubeadmControlPlane": "kubeadm.controlplane.cluster.x-k8s.io",
    "OpenStackCluster": "openstackcluster.infrastructure.cluster.x-k8s.io",
    "OpenStackMachine": "openstackmachine.infrastructure.cluster.x-k8s.io",
    "OpenStackServer": "openstackserver.infrastructure.cluster.x-k8s.io",
}


@cache
def golden(name: str = "healthy") -> TakeoverPlan:
    """A golden plan."""
    path = PLANS / f"{name}.yaml"
    return codec.load(path.read_bytes(), where=path.name)


class FakeClock:
    """Sleeping is free."""

    def __init__(self) -> None:
        self.time = 1_000_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeJudge:
    """Answers what it is told to."""

    rolling: tuple[Rolling, ...] = ()
    by: str = "cluster-api v1.14.0"
    asked: list[str] = field(default_factory=list)

    async def judge(self, objects: Mapping[str, Document]) -> Judgement:
        self.asked = list(objects)
        return Judgement(by=self.by, rolling=self.rolling)


class World:
    """The plan's two clusters, before anything was written."""

    def __init__(self, plan: TakeoverPlan | None = None) -> None:
        self.plan = plan or golden()
        self.management, self.workload = FakeApi(), FakeApi()
        self.judge, self.clock = FakeJudge(), FakeClock()
        self.credential_verdict: Verdict = passed()
        self.codes = kubernetes_registry.step_codes(self._cannot_write)
        self.checks = kubernetes_registry.check_codes()
        self.befores: dict[str, Any] = {}
        self.management.documents = discovery(
            [(api_version(self.plan, kind), kind) for kind in CHILDREN_FIRST]
            + [("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "Namespace")]
            + [("openstack.k-orc.cloud/v1alpha1", "Image"), ("apps/v1", "Deployment")]
        )
        for name, image in (
            ("capi-controller-manager", "cluster-api-controller:v1.14.0"),
            ("capi-kubeadm-bootstrap-controller-manager", "kubeadm-bootstrap-controller:v1.14.0"),
            ("capi-kubeadm-control-plane-controller-manager", "kubeadm-control-plane-controller:v1.14.0"),
            ("capo-controller-manager", "capi-openstack-controller:v0.14.7"),
        ):
            self.management.put(deployment(name, image))
        for machine in self.plan.machines:
            self.workload.put(node(machine.node, machine.provider_id))

    async def _cannot_write(self, at: At, params: Mapping[str, Any], /) -> Verdict:
        return self.credential_verdict

    @property
    def access(self) -> Access:
        nothing = cast(Any, None)
        return Access(
            cloud=nothing,
            management=self.management,
            workload=self.workload,
            hosts=nothing,
            states=nothing,
            judge=self.judge,
            clock=self.clock,
        )

    def at(self, step: Step, before: Any = None) -> At:
        return At(plan=self.plan, step=step, access=self.access, before=before)

    def step(self, part: str) -> Step:
        """The step whose id, without its number, begins with `part`: `unpause/cluster`."""
        steps = [step for stage in self.plan.stages for step in stage.steps]
        found = [step for step in steps if re.sub(r"/\d+-", "/", step.id).startswith(part)]
        assert len(found) == 1, [step.id for step in steps]
        return found[0]

    def steps(self) -> list[Step]:
        return [s for stage in self.plan.stages for s in stage.steps if s.kind in self.codes]

    def apply(self, step: Step) -> Any:
        """As the engine does: `found` once, then `apply`."""
        code = self.codes[step.kind]
        if step.id not in self.befores:
            self.befores[step.id] = run(code.found(self.at(step)))
        return run(code.apply(self.at(step, self.befores[step.id])))

    def undo(self, step: Step) -> Any:
        return run(self.codes[step.kind].undo(self.at(step, self.befores.get(step.id))))

    def check(self, kind: str, step: Step | None = None, **params: Any) -> Verdict:
        """One check, of `step` or of the plan's step that has it with just these parameters."""
        step = step or self.plan.stages[0].steps[0]
        return run(self.checks[kind](self.at(step, self.befores.get(step.id)), params))

    def planned_check(self, step: Step, check: PlanCheck) -> Verdict:
        return run(self.checks[check.kind](self.at(step, self.befores.get(step.id)), check.params))

    def written(self) -> World:
        """All objects are written, nothing is unpaused; managers have put their finalizers."""
        for step in self.steps():
            if step.kind == "kubernetes.apply":
                self.apply(step)
        for ref in list(self.management.objects):
            if ref.kind in ("Cluster", "Machine", "MachineSet", "MachineDeployment"):
                finalize(self.management, ref)
                say(self.management, ref, "Paused", "True")
        return self

    def adopted(self) -> World:
        """As after the whole unpausing: owned, labelled, healthy, with OpenStackServers."""
        self.written()
        for step in self.steps():
            if step.kind.startswith("cluster-api.unpause"):
                if step.kind == "cluster-api.unpause-cluster":
                    self.apply(step)
                    controllers_adopt(self)
                else:
                    self.apply(step)
        controllers_settle(self)
        self.management.reactions.append(controllers_pause)
        return self


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(coroutine)


def node(name: str, provider_id: str) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"node-role.kubernetes.io/worker": "", "zone": "az1"},
            "annotations": {"kubeadm.alpha.kubernetes.io/cri-socket": "unix:///run/containerd.sock"},
        },
        "spec": {"providerID": provider_id},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def deployment(name: str, image: str) -> Document:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": f"{name}-system"},
        "spec": {"template": {"spec": {"containers": [{"name": "manager", "image": f"mirror/{image}"}]}}},
    }


def say(api: FakeApi, ref: ObjectRef, kind: str, status: str, message: str = "") -> None:
    """Sets a condition."""
    old = (api.objects[ref].get("status") or {}).get("conditions") or []
    kept = [said for said in old if said["type"] != kind]
    said = {"type": kind, "status": status, "message": message}
    api.change(ref, {"status": {"conditions": [*kept, said]}})


def finalize(api: FakeApi, ref: ObjectRef) -> None:
    if ref.kind in FINALIZERS:
        api.change(ref, {"metadata": {"finalizers": [FINALIZERS[ref.kind]]}})


def own(api: FakeApi, child: str, owner: str) -> None:
    """The controller's owner reference."""
    parent = api[owner]
    reference = {
        "apiVersion": parent["apiVersion"],
        "kind": parent["kind"],
        "name": parent["metadata"]["name"],
        "uid": parent["metadata"]["uid"],
        "controller": True,
    }
    api.change(api.ref(child), {"metadata": {"ownerReferences": [reference]}})


def controllers_adopt(world: World) -> None:
    """What follows the unpausing of the Cluster, and then of the owners."""
    api, plan = world.management, world.plan
    for key in plan.manifests:
        kind, name = kind_in(key), name_in(key)
        if kind in (
            "OpenStackCluster",
            "KubeadmControlPlane",
            "MachineDeployment",
            "OpenStackMachineTemplate",
        ):
            own(api, key, f"Cluster/{plan.cluster}")
        if kind == "OpenStackMachine":
            own(api, key, f"Machine/{name}")
            add_server(world, name)
        if kind == "KubeadmConfig":
            own(api, key, f"Machine/{name}")
    for machine in plan.machines:
        ref = api.ref(f"Machine/{machine.machine}")
        api.change(ref, {"spec": {"providerID": machine.provider_id}})
        api.change(ref, {"status": {"nodeRef": {"name": machine.node}, "phase": "Running"}})
        write_on_node(world, machine.node)
    for group in plan.groups:
        worker = group.role == "worker"
        owner = f"MachineSet/{group.name}-adopted" if worker else f"KubeadmControlPlane/{group.name}"
        for name in group.machines:
            own(api, f"Machine/{name}", owner)
        if worker:
            own(api, owner, f"MachineDeployment/{group.name}")
            revision = {"machinedeployment.clusters.x-k8s.io/revision": "1"}
            api.change(api.ref(owner), {"metadata": {"annotations": revision}})
    for ref in list(api.objects):
        finalize(api, ref)


def add_server(world: World, name: str, server_id: str = "") -> None:
    plan = world.plan
    known = {machine.machine: machine.server_id for machine in plan.machines}
    world.management.put(
        {
            "apiVersion": api_version(plan, "OpenStackServer"),
            "kind": "OpenStackServer",
            "metadata": {
                "name": name,
                "namespace": plan.namespace,
                "labels": {"cluster.x-k8s.io/cluster-name": plan.cluster},
            },
            "status": {"instanceID": server_id or known[name], "ready": True},
        }
    )
    own(world.management, f"OpenStackServer/{name}", f"OpenStackMachine/{name}")


def write_on_node(world: World, name: str) -> None:
    written = {
        "cluster.x-k8s.io/cluster-name": world.plan.cluster,
        "cluster.x-k8s.io/machine": name,
        "cluster.x-k8s.io/labels-from-machine": "node.cluster.x-k8s.io/pool",
        "cluster.x-k8s.io/annotations-from-machine": "",
    }
    ref = ObjectRef("v1", "Node", "", name)
    world.workload.change(ref, {"metadata": {"annotations": written}})
    world.workload.change(ref, {"metadata": {"labels": {"node.cluster.x-k8s.io/pool": "a"}}})


def controllers_settle(world: World) -> None:
    """Everything is healthy and unpaused."""
    api, plan = world.management, world.plan
    for ref in list(api.objects):
        if ref.kind in PAUSABLE:
            say(api, ref, "Paused", "False")
        if ref.kind in ("Cluster", "KubeadmControlPlane", "MachineDeployment"):
            say(api, ref, "Available", "True")
            say(api, ref, "MachinesUpToDate", "True")
        if ref.kind in ("KubeadmControlPlane", "MachineDeployment", "MachineSet"):
            replicas = api.objects[ref]["spec"]["replicas"]
            counts = ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas")
            api.change(ref, {"status": dict.fromkeys(counts, replicas) | {"observedGeneration": 1}})
        if ref.kind == "OpenStackCluster":
            network = api.objects[ref]["spec"]["network"]
            api.change(ref, {"status": {"ready": True, "network": network}})
    cluster = api.ref(f"Cluster/{plan.cluster}")
    api.change(cluster, {"status": {"initialization": {"infrastructureProvisioned": True}}})


def controllers_pause(api: FakeApi, verb: str, ref: ObjectRef) -> None:
    """A reaction: once the Cluster or an object is paused, its controller says so."""
    cluster = next((d for r, d in api.objects.items() if r.kind == "Cluster"), None)
    everything = cluster is not None and cluster["spec"]["paused"]
    for other in list(api.objects):
        annotations = api.objects[other]["metadata"].get("annotations") or {}
        paused = everything or "cluster.x-k8s.io/paused" in annotations
        if other.kind in PAUSABLE and paused and not says(api.objects[other], "Paused", "True"):
            say(api, other, "Paused", "True")


def says(document: Document, kind: str, status: str) -> bool:
    conditions = (document.get("status") or {}).get("conditions") or []
    return any(said["type"] == kind and said["status"] == status for said in conditions)
