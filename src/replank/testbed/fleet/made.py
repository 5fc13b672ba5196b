"""One generated cluster with everything it was made from: what a defect bends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replank.testbed.fleet.hosts.cluster_pki import ClusterPki
from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document, Machine, Project, TwinCluster, World


@dataclass(frozen=True, slots=True)
class Made:
    """A cluster in its world. `others`: clusters generated before it, for defects that tie two together."""

    world: World
    project: Project
    cluster: TwinCluster
    layout: ClusterLayout
    pki: ClusterPki
    others: tuple[Made, ...] = ()

    def documents(self, service: str, collection: str) -> list[Document]:
        """A collection of the cluster's project."""
        return self.project.collections[service][collection]

    def document(self, service: str, collection: str, id: str) -> Document:
        """The document with this ID. Raises LookupError."""
        for document in self.documents(service, collection):
            if document["id"] == id:
                return document
        raise LookupError(f"no {collection} {id} in {self.project.cloud}")

    def server(self, machine: MachineLayout) -> Document:
        """The machine's Nova server."""
        return self.document("compute", "servers", machine.server_id)

    def port(self, machine: MachineLayout) -> Document:
        """The machine's Neutron port."""
        return self.document("network", "ports", machine.port_id)

    def host(self, machine: MachineLayout) -> Machine:
        """The machine behind SSH."""
        return next(m for m in self.cluster.machines if m.server_id == machine.server_id)

    def objects(self, kind: str, *, namespace: str | None = None) -> Iterator[Document]:
        """API objects of a kind."""
        for document in self.cluster.api.objects:
            if document["kind"] == kind and namespace in (None, document["metadata"].get("namespace")):
                yield document

    def object(self, kind: str, name: str) -> Document:
        """The API object of this kind and name. Raises LookupError."""
        for document in self.objects(kind):
            if document["metadata"]["name"] == name:
                return document
        raise LookupError(f"no {kind} {name} in {self.cluster.name}")

    def node(self, machine: MachineLayout) -> Document:
        """The machine's Node."""
        return self.object("Node", machine.name)

    def remove_object(self, kind: str, name: str) -> None:
        """Takes an object out of the API. Raises LookupError if it is not there."""
        self.cluster.api.objects.remove(self.object(kind, name))

    def state(self) -> Document:
        """The cluster's state document."""
        return next(iter(self.cluster.state_files.values()))

    def state_resources(self, type: str) -> Iterator[Document]:
        """Resources of a type in the state."""
        for resource in self.state()["resources"]:
            if resource["type"] == type:
                yield resource

    def state_instance(self, type: str, id: str) -> Document:
        """The instance of a resource in the state by its OpenStack ID. Raises LookupError."""
        for resource in self.state_resources(type):
            for instance in resource["instances"]:
                if instance["attributes"]["id"] == id:
                    found: Document = instance
                    return found
        raise LookupError(f"no {type} {id} in the state of {self.cluster.name}")
