"""The cluster's live objects of Cluster API, as steps and checks of a runtime swap see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.cluster_api.names import (
    BOOTSTRAP,
    CLUSTER_NAME,
    CONTROL_PLANE,
    CORE,
    INFRASTRUCTURE,
)
from replank.inventory.cluster_api.object_meta import controlled_by, key_of
from replank.migrations.runtime_swap.steps.at import At
from replank.plan.parameters import malformed, text
from replank.plan.runtime_swap import Alignment, ClusterApiPart, PlannedTemplate
from replank.ports.access import Document, ObjectRef

VERSIONS: Final[Mapping[str, str]] = {
    "KubeadmControlPlane": CONTROL_PLANE,
    "MachineDeployment": CORE,
    "MachineSet": CORE,
    "Machine": CORE,
    "KubeadmConfig": BOOTSTRAP,
    "OpenStackMachine": INFRASTRUCTURE,
}
"""Kinds by which Cluster API judges, and the versions by which they are read."""


def part_of(at: At) -> ClusterApiPart:
    """What the plan does to Cluster API's objects. Raises `Refused` RP877 where it has none."""
    if at.plan.cluster_api is None:
        raise malformed("cluster_api", "is not in the plan")
    return at.plan.cluster_api


def alignment_of(at: At) -> Alignment:
    """The alignment that the step is about. Raises `Refused` RP877."""
    keeper = text(at.step.params, "keeper")
    for alignment in part_of(at).alignments:
        if alignment.keeper == keeper:
            return alignment
    raise malformed("keeper", "names no alignment of the plan")


def template_of(at: At) -> PlannedTemplate:
    """The template that the step is about. Raises `Refused` RP877."""
    name = text(at.step.params, "template")
    for template in part_of(at).templates:
        if template.name == name:
            return template
    raise malformed("template", "names no template of the plan")


def ref_of(at: At, key: str, api_version: str = "") -> ObjectRef:
    """Of an object `Kind/name` of the cluster's namespace."""
    kind, _, name = key.partition("/")
    return ObjectRef(api_version or VERSIONS[kind], kind, part_of(at).namespace, name)


async def family(at: At) -> dict[str, Document]:
    """`Kind/name` -> live object, of the kinds by which Cluster API judges."""
    namespace, labels = part_of(at).namespace, {CLUSTER_NAME: at.plan.cluster}
    api = at.access.management
    found: dict[str, Document] = {}
    for kind, version in VERSIONS.items():
        found.update(
            {key_of(document): document for document in await api.list(version, kind, namespace, labels)}
        )
    return found


async def live(at: At, key: str, api_version: str = "") -> Document:
    """One object. Raises `Refused` RP971 where it is not there any more."""
    found = await at.access.management.get(ref_of(at, key, api_version))
    if found is None:
        raise Refused(
            "RP971",
            f"{key} is not there any more",
            "somebody has removed it since the plan was made",
            "Look at the rollout or scaling that did it. Undo what this run has changed, or survey and plan "
            "again.",
        )
    return found


def machines_of(objects: Mapping[str, Document], keeper: str) -> list[str]:
    """`Machine/name` of those that a KubeadmControlPlane or MachineDeployment keeps."""
    owner = objects.get(keeper)
    if owner is None:
        return []
    owners = [
        owner,
        *(o for k, o in objects.items() if k.startswith("MachineSet/") and controlled_by(o, owner)),
    ]
    machines = [key for key in objects if key.startswith("Machine/")]
    return [key for key in machines if any(controlled_by(objects[key], o) for o in owners)]
