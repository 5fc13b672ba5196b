"""The healthy cluster after its takeover, as documents: the plan's manifests with what controllers add."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from facts_loader import NOW, healthy, snapshot_of
from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.cluster_api.would_roll import would_roll
from replank.inventory.facts.kubernetes import Node
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import StateFile, TerraformResource
from replank.inventory.fleet.model import NewMachines
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.takeover import TakeoverPlan
from replank.verify.model import Finding, Verification
from replank.verify.sight import Judged, Sight
from replank.verify.verification import verify

Document = dict[str, Any]
AT = NOW.timestamp()
_SNAPSHOT = snapshot_of(healthy())
PLAN: TakeoverPlan = plan_takeover(_SNAPSHOT, TakeoverSettings(namespace="fleet"), ())
SERVER_OF = {machine.machine: machine.server_id for machine in PLAN.machines}
_CONTROLLED = {
    "KubeadmControlPlane": "Cluster/plain",
    "OpenStackCluster": "Cluster/plain",
    "MachineDeployment": "Cluster/plain",
    "MachineSet": "MachineDeployment/plain-worker",
}


def project() -> OpenStackFacts:
    facts = _SNAPSHOT.infrastructure.openstack
    assert is_known(facts)
    return facts


@dataclass
class Adopted:
    """What a test bends before it is verified."""

    objects: dict[str, Document] = field(default_factory=dict)
    nodes: Fact[tuple[Document, ...]] = ()
    cloud: Fact[OpenStackFacts] = field(default_factory=project)
    states: Fact[tuple[StateFile, ...]] = (StateFile(source="tf", form="v4", backend="local"),)
    leases: Fact[tuple[Document, ...]] = ()
    unread: dict[str, Unknown] = field(default_factory=dict)
    unjudged: Unknown | None = None
    new_machines: NewMachines = field(default_factory=NewMachines)
    new_control_planes: NewMachines = field(default_factory=NewMachines)

    def of(self, key: str) -> Document:
        return self.objects[key]

    def node(self, name: str) -> Document:
        assert is_known(self.nodes)
        return next(node for node in self.nodes if node["metadata"]["name"] == name)

    def change(self, listing: str, thing_id: str, **values: Any) -> None:
        """One thing of the project, by its ID."""
        assert is_known(self.cloud)
        things = getattr(self.cloud, listing)
        changed = tuple(replace(t, **values) if t.id == thing_id else t for t in things)
        assert changed != things
        self.cloud = replace(self.cloud, **{listing: changed})

    def without(self, listing: str, thing_id: str) -> None:
        assert is_known(self.cloud)
        left = tuple(t for t in getattr(self.cloud, listing) if t.id != thing_id)
        assert left != getattr(self.cloud, listing)
        self.cloud = replace(self.cloud, **{listing: left})

    def sight(self) -> Sight:
        judged: Fact[Judged] = Judged("replank", would_roll(self.objects, AT))
        if self.unjudged is not None:
            judged = self.unjudged
        return Sight(
            cluster="plain",
            namespace="fleet",
            at=AT,
            objects=self.objects,
            unread=self.unread,
            nodes=self.nodes,
            cloud=self.cloud,
            states=self.states,
            leases=self.leases,
            judged=judged,
            new_machines=self.new_machines,
            new_control_planes=self.new_control_planes,
        )

    def verified(self) -> Verification:
        return verify(self.sight())

    def faults(self) -> dict[str, list[Finding]]:
        """Code -> what is said, but for what passes."""
        found: dict[str, list[Finding]] = {}
        for finding in self.verified().findings:
            if finding.outcome != "pass":
                found.setdefault(finding.code, []).append(finding)
        return found


def adopted() -> Adopted:
    """Clean: everything passes and nothing is noted."""
    found = Adopted(objects=_objects(), leases=(lease(AT - 5),))
    assert is_known(_SNAPSHOT.kubernetes)
    assert is_known(_SNAPSHOT.kubernetes.nodes)
    found.nodes = tuple(_node(node) for node in _SNAPSHOT.kubernetes.nodes)
    return found


def bent(bend: Callable[[Adopted], None]) -> Adopted:
    found = adopted()
    bend(found)
    return found


def lease(renewed: float) -> Document:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "replank-operator", "namespace": "replank-system"},
        "spec": {
            "holderIdentity": "replank-1",
            "leaseDurationSeconds": 15,
            "renewTime": datetime.fromtimestamp(renewed, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }


def held(address: str, thing_id: str) -> StateFile:
    """A state that lists one resource."""
    resource = TerraformResource(
        address=address, mode="managed", type=address.partition(".")[0], name="it", id=thing_id
    )
    return StateFile(source="tf", form="v4", backend="local", resources=(resource,))


def _node(node: Node) -> Document:
    return {
        "kind": "Node",
        "metadata": {"name": node.name},
        "spec": {"providerID": node.provider_id},
        "status": {"nodeInfo": {"systemUUID": node.system_uuid, "kubeletVersion": node.kubelet_version}},
    }


def _objects() -> dict[str, Document]:
    objects = {key: _plain(document) for key, document in PLAN.manifests.items() if key != "Namespace/fleet"}
    for key, document in objects.items():
        meta = document["metadata"]
        meta["uid"] = f"uid-of-{key}"
        annotations = meta.setdefault("annotations", {})
        for name in [name for name in annotations if "paused" in name or "skip-" in name]:
            del annotations[name]
    for machine in PLAN.machines:
        name = machine.machine
        of_machine = objects[f"Machine/{name}"]
        of_machine["spec"]["providerID"] = machine.provider_id
        of_machine["status"] = {"nodeRef": {"name": machine.node}}
        objects[f"OpenStackMachine/{name}"]["spec"]["providerID"] = machine.provider_id
        objects[f"OpenStackServer/{name}"] = {
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1alpha1",
            "kind": "OpenStackServer",
            "metadata": {"name": name, "uid": f"uid-of-OpenStackServer/{name}"},
            "status": {"instanceID": machine.server_id},
        }
    for key, document in objects.items():
        owner = _owner(key, document)
        if owner:
            document["metadata"]["ownerReferences"] = [{"uid": f"uid-of-{owner}", "controller": True}]
    objects["Cluster/plain"]["spec"]["paused"] = False
    zones = [{"name": zone, "controlPlane": True} for zone in ("az1", "az2", "az3")]
    objects["Cluster/plain"]["status"] = {"failureDomains": zones}
    for document in objects.values():
        if document["kind"] in ("Cluster", "KubeadmControlPlane", "MachineDeployment"):
            said = document.setdefault("status", {}).setdefault("conditions", [])
            said.append({"type": "Available", "status": "True"})
    return objects


def _owner(key: str, document: Document) -> str:
    kind, _, name = key.partition("/")
    if kind == "Machine":
        control_plane = "cluster.x-k8s.io/control-plane" in document["metadata"]["labels"]
        return (
            "KubeadmControlPlane/plain-control-plane" if control_plane else "MachineSet/plain-worker-adopted"
        )
    if kind in ("OpenStackMachine", "KubeadmConfig"):
        return f"Machine/{name}"
    return f"OpenStackMachine/{name}" if kind == "OpenStackServer" else _CONTROLLED.get(kind, "")


def _plain(value: Any) -> Any:
    """Plans hold read-only mappings."""
    if hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return copy.copy(value)
