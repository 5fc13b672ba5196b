"""What was seen of a cluster that Cluster API has. What could not be seen is `Unknown`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from replank.domain.provider_id import parse_provider_id
from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.names import CONTROL_PLANE_LABEL
from replank.inventory.cluster_api.object_meta import controlled_by, labels, part
from replank.inventory.cluster_api.would_roll import Replaced
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import NewMachines

Document: TypeAlias = Mapping[str, Any]
_AS_BEFORE: Final = NewMachines()


@dataclass(frozen=True, slots=True)
class Judged:
    """`by`: whose code judged, `cluster-api v1.14.0` or `replank`. `rolling`: what it would replace."""

    by: str
    rolling: tuple[Replaced, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One look, `at` seconds since 1970.

    `objects`: `Kind/name` -> the cluster's live objects on the management cluster, with the templates that
    KubeadmControlPlane and MachineDeployments name. `unread`: kinds that could not be read. `nodes`: of the
    workload cluster. `leases`: of the operator. `states`: those of fleet.yaml, whole. `cloud`: the project.
    `new_machines`, `new_control_planes`: what fleet.yaml wants new ones to be made of.
    """

    cluster: str
    namespace: str
    at: float
    objects: Mapping[str, Document]
    unread: Mapping[str, Unknown] = field(default_factory=dict)
    nodes: Fact[tuple[Document, ...]]
    cloud: Fact[OpenStackFacts]
    states: Fact[tuple[StateFile, ...]]
    leases: Fact[tuple[Document, ...]]
    judged: Fact[Judged]
    new_machines: NewMachines = _AS_BEFORE
    new_control_planes: NewMachines = _AS_BEFORE

    def of(self, kind: str) -> dict[str, Document]:
        """Objects of one kind by name."""
        return {d["metadata"]["name"]: d for d in self.objects.values() if d["kind"] == kind}

    def get(self, kind: str, name: str) -> Document | None:
        """One object, None where it was not seen."""
        return self.objects.get(f"{kind}/{name}")

    def referred(self, reference: Mapping[str, Any]) -> Document | None:
        """The object that `kind` and `name` of a reference name, None where it was not seen."""
        return self.get(str(reference.get("kind", "")), str(reference.get("name", "")))

    def infrastructure(self, machine: Document) -> Document | None:
        """Its OpenStackMachine."""
        return self.referred(part(machine, "spec", "infrastructureRef"))

    def controller(self, document: Document) -> Document | None:
        """The object that controls it, by uid; None where none that was seen does."""
        return next((found for found in self.objects.values() if controlled_by(document, found)), None)

    def server_of(self, machine: Document) -> str:
        """The UUID of its server, by CAPO's OpenStackServer, else by its providerID; "" = none."""
        infrastructure = self.infrastructure(machine)
        server = self.get("OpenStackServer", name_of(infrastructure)) if infrastructure is not None else None
        found = str(part(server, "status").get("instanceID") or "")
        return found or server_in(str(part(machine, "spec").get("providerID") or ""))

    def keeper(self, machine: Document) -> Document | None:
        """Who replaces it: its KubeadmControlPlane, or the MachineDeployment of its MachineSet."""
        owner = self.controller(machine)
        if owner is not None and owner["kind"] == "MachineSet":
            owner = self.controller(owner)
        wanted = "KubeadmControlPlane" if is_control_plane(machine) else "MachineDeployment"
        return owner if owner is not None and owner["kind"] == wanted else None


def is_control_plane(machine: Document) -> bool:
    """Whether a Machine carries the control plane's label."""
    return CONTROL_PLANE_LABEL in labels(machine)


def name_of(document: Document) -> str:
    """metadata.name."""
    return str(document["metadata"]["name"])


def server_in(provider_id: str) -> str:
    """The UUID in a providerID, "" where it is none of OpenStack."""
    parsed = parse_provider_id(provider_id)
    return parsed.server_id if parsed is not None else ""


def node_of(machine: Document) -> str:
    """The Node that its status names, "" = none."""
    return str(part(machine, "status", "nodeRef").get("name") or "")
