"""How MachineSets and control planes make Machines, and what they write on those they own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.testbed.simulation.controllers.plane import Plane, own, referred
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import (
    API_VERSIONS,
    CLONED_FROM_KIND,
    CLONED_FROM_NAME,
    CLUSTER_NAME,
    matches,
)


def make_machine(
    plane: Plane, owner: Document, spec: Mapping[str, Any], labels: Mapping[str, str], manager: str
) -> None:
    """Clones the infrastructure template and the bootstrap configuration, then makes the Machine.

    `spec`: of the Machine, with references to templates. The name has a suffix drawn from the seed.
    """
    namespace = owner["metadata"]["namespace"]
    suffix = "".join(plane.chance.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
    name = f"{owner['metadata']['name']}-{suffix}"
    template = referred(plane, owner, spec["infrastructureRef"])
    if template is None:
        plane.error(manager, f"{owner['metadata']['name']}: template not found")
        return
    cluster = labels[CLUSTER_NAME]
    infrastructure = _object("OpenStackMachine", namespace, name, labels)
    infrastructure["spec"] = copied(template["spec"]["template"]["spec"])
    infrastructure["metadata"]["annotations"] = {
        CLONED_FROM_NAME: template["metadata"]["name"],
        CLONED_FROM_KIND: "OpenStackMachineTemplate.infrastructure.cluster.x-k8s.io",
    }
    config = _object("KubeadmConfig", namespace, name, labels)
    config["spec"] = copied(spec.get("kubeadmConfigSpec") or {})
    machine = _object("Machine", namespace, name, labels)
    machine["spec"] = {
        "clusterName": cluster,
        "version": spec["version"],
        "bootstrap": {"configRef": _reference("KubeadmConfig", name)},
        "infrastructureRef": _reference("OpenStackMachine", name),
        **({"failureDomain": spec["failureDomain"]} if spec.get("failureDomain") else {}),
    }
    for document in (infrastructure, config, machine):
        own(document, owner, controller=document is machine)
        plane.make(document, manager)
    plane.tell(f"{manager}: created Machine {name}")


def propagate(plane: Plane, machine: Document, labels: Mapping[str, str], manager: str) -> None:
    """syncMachines: labels onto the infrastructure machine and the bootstrap configuration."""
    for reference in (machine["spec"]["infrastructureRef"], machine["spec"]["bootstrap"].get("configRef")):
        found = referred(plane, machine, reference)
        if found is not None and not matches(found, labels):
            edited: Document = copied(found)
            edited["metadata"]["labels"] = {**(edited["metadata"].get("labels") or {}), **labels}
            plane.edit(found, edited, manager)


def _object(kind: str, namespace: str, name: str, labels: Mapping[str, str]) -> Document:
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        "metadata": {"namespace": namespace, "name": name, "labels": dict(labels)},
    }


def _reference(kind: str, name: str) -> Document:
    return {"apiGroup": API_VERSIONS[kind].rpartition("/")[0], "kind": kind, "name": name}
