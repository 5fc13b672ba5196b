"""From a cluster's objects of Cluster API to what a runtime swap must know of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from replank.inventory.cluster_api.at_rest import keeper_moves
from replank.inventory.cluster_api.bootstrap_mentions import mentions_of
from replank.inventory.cluster_api.controlled import (
    BootstrapSpec,
    ClusterApiFacts,
    ControlledMachine,
    CurrentSet,
    HealthCheck,
    Keeper,
    MachineTemplate,
    Registration,
    RuntimeArgument,
    UnhealthyAfter,
)
from replank.inventory.cluster_api.machine_sets import template_differences
from replank.inventory.cluster_api.names import CLUSTER_NAME, PAUSED
from replank.inventory.cluster_api.object_meta import (
    annotated,
    controlled_by,
    deleting,
    key_of,
    labels,
    part,
)
from replank.inventory.cluster_api.runtime_arguments import is_about_runtime
from replank.inventory.kept_by import kept_by
from replank.inventory.label_selector import selects

Document = Mapping[str, Any]
CLONED_NAME: Final = "cluster.x-k8s.io/cloned-from-name"
CLONED_KIND: Final = "cluster.x-k8s.io/cloned-from-groupkind"
KEEPERS: Final = ("KubeadmControlPlane", "MachineDeployment")
_PARTS: Final[tuple[Literal["initConfiguration", "joinConfiguration"], ...]] = (
    "initConfiguration",
    "joinConfiguration",
)


def controlled(
    objects: Mapping[str, Document], cluster: str, namespace: str, version: str
) -> ClusterApiFacts:
    """`objects`: `Kind/name` -> all of the cluster. `version`: of Cluster API."""
    found = [objects[key] for key in sorted(objects)]
    about = objects[f"Cluster/{cluster}"]
    return ClusterApiFacts(
        namespace=namespace,
        paused=part(about, "spec").get("paused") is True,
        topology=_topology(about),
        version=version,
        keepers=tuple(_keeper(d) for d in found if d["kind"] in KEEPERS),
        sets=tuple(_sets(found)),
        machines=tuple(_machine(d, objects) for d in found if d["kind"] == "Machine"),
        configurations=tuple(_configurations(found)),
        templates=tuple(_template(d) for d in found if d["kind"].endswith("MachineTemplate")),
        health_checks=tuple(_health_checks(found, cluster)),
        pools=tuple(d["metadata"]["name"] for d in found if d["kind"] == "MachinePool"),
    )


def machine_template(keeper: Document) -> Mapping[str, Any]:
    """spec of the Machines that a KubeadmControlPlane or MachineDeployment makes."""
    path = "machineTemplate" if keeper["kind"] == "KubeadmControlPlane" else "template"
    return part(keeper, "spec", path, "spec")


def bootstrap_spec(document: Document) -> Mapping[str, Any]:
    """The KubeadmConfigSpec in a KubeadmControlPlane, KubeadmConfig or KubeadmConfigTemplate."""
    return part(document, *BOOTSTRAP_AT[document["kind"]])


BOOTSTRAP_AT: Final[Mapping[str, tuple[str, ...]]] = {
    "KubeadmControlPlane": ("spec", "kubeadmConfigSpec"),
    "KubeadmConfig": ("spec",),
    "KubeadmConfigTemplate": ("spec", "template", "spec"),
}
"""Where each kind keeps it."""


def _topology(cluster: Document) -> str:
    topology = part(cluster, "spec", "topology")
    return str(part(topology, "classRef").get("name") or topology.get("class") or "")


def _keeper(document: Document) -> Keeper:
    template = machine_template(document)
    return Keeper(
        kind=document["kind"],
        name=document["metadata"]["name"],
        replicas=int(part(document, "spec").get("replicas") or 0),
        infrastructure=_named(part(template, "infrastructureRef")),
        bootstrap=str(part(template, "bootstrap", "configRef").get("name") or ""),
        kept_by=_kept_by(document),
        moving=keeper_moves(document),
    )


def _kept_by(document: Document) -> str:
    """By its marks and managers. Its owner does not write its spec anew: that is Cluster API's own."""
    meta = {k: v for k, v in document["metadata"].items() if k != "ownerReferences"}
    return kept_by(meta, "f:spec")


def _named(reference: Mapping[str, Any]) -> str:
    name = str(reference.get("name") or "")
    return f"{reference.get('kind') or ''}/{name}" if name else ""


def _sets(found: list[Document]) -> Iterator[CurrentSet]:
    deployments = [d for d in found if d["kind"] == "MachineDeployment"]
    for document in found:
        if document["kind"] != "MachineSet":
            continue
        owner = next((d for d in deployments if controlled_by(document, d)), None)
        if owner is not None and not template_differences(document, owner):
            yield CurrentSet(name=document["metadata"]["name"], deployment=owner["metadata"]["name"])


def _machine(document: Document, objects: Mapping[str, Document]) -> ControlledMachine:
    spec = part(document, "spec")
    infrastructure = _named(part(spec, "infrastructureRef"))
    return ControlledMachine(
        name=document["metadata"]["name"],
        node=str(part(document, "status", "nodeRef").get("name") or ""),
        keeper=_keeper_of(document, objects),
        config=str(part(spec, "bootstrap", "configRef").get("name") or ""),
        infrastructure=infrastructure,
        cloned_from=_cloned_from(objects.get(infrastructure)),
        deleting=deleting(document),
    )


def _keeper_of(machine: Document, objects: Mapping[str, Document]) -> str:
    owner = _controller(machine, objects)
    if owner is not None and owner["kind"] == "MachineSet":
        owner = _controller(owner, objects)
    return key_of(owner) if owner is not None and owner["kind"] in KEEPERS else ""


def _controller(document: Document, objects: Mapping[str, Document]) -> Document | None:
    return next((found for found in objects.values() if controlled_by(document, found)), None)


def _cloned_from(infrastructure: Document | None) -> str:
    notes = annotated(infrastructure) if infrastructure is not None else {}
    return notes.get(CLONED_NAME, "") if notes.get(CLONED_KIND) else ""


def _configurations(found: list[Document]) -> Iterator[BootstrapSpec]:
    for document in found:
        kind = document["kind"]
        if kind not in BOOTSTRAP_AT:
            continue
        spec = bootstrap_spec(document)
        yield BootstrapSpec(
            kind=kind,
            name=document["metadata"]["name"],
            registrations=tuple(_registrations(spec)),
            mentions=() if kind == "KubeadmConfig" else mentions_of(spec),
            kept_by=_kept_by(document),
        )


def _registrations(spec: Mapping[str, Any]) -> Iterator[Registration]:
    for name in _PARTS:
        node = part(spec, name, "nodeRegistration")
        arguments = tuple(
            RuntimeArgument(name=str(a["name"]), value=str(a.get("value") or ""))
            for a in node.get("kubeletExtraArgs") or ()
            if is_about_runtime(str(a.get("name") or ""))
        )
        socket = str(node.get("criSocket") or "")
        if socket or arguments:
            yield Registration(part=name, cri_socket=socket, arguments=arguments)


def _template(document: Document) -> MachineTemplate:
    image = part(document, "spec", "template", "spec", "image")
    return MachineTemplate(
        kind=document["kind"],
        name=document["metadata"]["name"],
        image_id=str(image.get("id") or ""),
        image_name=str(part(image, "filter").get("name") or ""),
    )


def _health_checks(found: list[Document], cluster: str) -> Iterator[HealthCheck]:
    machines = [d for d in found if d["kind"] == "Machine"]
    for document in found:
        if document["kind"] != "MachineHealthCheck" or PAUSED in annotated(document):
            continue
        spec = part(document, "spec")
        if spec.get("clusterName") != cluster:
            continue
        selector = part(spec, "selector")
        yield HealthCheck(
            name=document["metadata"]["name"],
            machines=tuple(m["metadata"]["name"] for m in machines if _watched(m, selector, cluster)),
            unhealthy=tuple(_unhealthy(part(spec, "checks"))),
        )


def _watched(machine: Document, selector: Mapping[str, Any], cluster: str) -> bool:
    return labels(machine).get(CLUSTER_NAME) == cluster and selects(selector, labels(machine))


def _unhealthy(checks: Mapping[str, Any]) -> Iterator[UnhealthyAfter]:
    kinds: tuple[tuple[Literal["Node", "Machine"], str], ...] = (
        ("Node", "unhealthyNodeConditions"),
        ("Machine", "unhealthyMachineConditions"),
    )
    for of, field in kinds:
        for told in checks.get(field) or ():
            yield UnhealthyAfter(
                of=of,
                type=str(told.get("type") or ""),
                status=str(told.get("status") or ""),
                seconds=int(told.get("timeoutSeconds") or 0),
            )
