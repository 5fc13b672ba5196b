"""What Cluster API writes on the workload cluster's Nodes, and taking it off again.

The Machine controller syncs annotations of its own and the Machine's labels of its domains to the Node, and
notes their names in two annotations (cluster-api v1.14.0, machine_controller_noderef.go patchNode). They stay
when the Machine goes (seen), so undo puts the Nodes back as the step found them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import annotations_of, labels_of
from replank.plan.parameters import found_before
from replank.ports.access import Document, ObjectRef

_ANNOTATION_DOMAIN: Final = "cluster.x-k8s.io"
_LABEL_DOMAINS: Final = (
    "node-role.kubernetes.io",
    "node-restriction.kubernetes.io",
    "node.cluster.x-k8s.io",
    "cluster.x-k8s.io",
)
_LABELS_FROM_MACHINE: Final = "cluster.x-k8s.io/labels-from-machine"
_ANNOTATIONS_FROM_MACHINE: Final = "cluster.x-k8s.io/annotations-from-machine"


def node_ref(name: str) -> ObjectRef:
    """A Node of the workload cluster."""
    return ObjectRef("v1", "Node", "", name)


async def nodes_found(at: At) -> JSON:
    """Node -> its annotations and labels of the domains that Cluster API writes; None: no such Node."""
    found: dict[str, JSON] = {}
    for machine in at.plan.machines:
        node = await at.access.workload.get(node_ref(machine.node))
        found[machine.node] = None if node is None else _written(node)
    return found


async def restore_nodes(at: At, before: JSON) -> list[JSON]:
    """Puts annotations and labels back to what `nodes_found` noted; says which Nodes were changed.

    Only while all is paused: the Machine controller would write them again.
    """
    changed: list[JSON] = []
    for name, noted in sorted(found_before(before).items()):
        node = await at.access.workload.get(node_ref(name))
        if node is None or noted is None:
            continue
        patch = _patch(found_before(noted), node)
        if patch:
            await at.access.workload.merge(node_ref(name), {"metadata": patch})
            changed.append(name)
    return changed


def _written(node: Document) -> dict[str, JSON]:
    return {
        "annotations": {n: v for n, v in annotations_of(node).items() if _within(n, (_ANNOTATION_DOMAIN,))},
        "labels": {n: v for n, v in labels_of(node).items() if _within(n, _LABEL_DOMAINS)},
    }


def _within(name: str, domains: tuple[str, ...]) -> bool:
    prefix, slash, _ = name.partition("/")
    return bool(slash) and any(prefix == domain or prefix.endswith(f".{domain}") for domain in domains)


def _patch(noted: Mapping[str, JSON], node: Document) -> dict[str, Any]:
    """A merge patch of metadata. Labels and annotations that somebody else wrote meanwhile stay."""
    annotations, labels = annotations_of(node), labels_of(node)
    had_annotations, had_labels = found_before(noted.get("annotations")), found_before(noted.get("labels"))
    by_cluster_api = {name for name in annotations if _within(name, (_ANNOTATION_DOMAIN,))}
    by_cluster_api |= _names(annotations, _ANNOTATIONS_FROM_MACHINE) & set(annotations)
    synced = _names(annotations, _LABELS_FROM_MACHINE)
    patches = {
        "annotations": _back(had_annotations, annotations, by_cluster_api | set(had_annotations)),
        "labels": _back(had_labels, labels, synced),
    }
    return {part: patch for part, patch in patches.items() if patch}


def _back(had: Mapping[str, JSON], there: Mapping[str, str], names: set[str]) -> dict[str, JSON]:
    return {name: had.get(name) for name in sorted(names) if had.get(name) != there.get(name)}


def _names(annotations: Mapping[str, str], annotation: str) -> set[str]:
    return {name for name in annotations.get(annotation, "").split(",") if name}
