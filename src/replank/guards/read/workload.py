"""Nodes, pods, budgets, Deployments, endpoints and volume attachments of the workload cluster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from replank.guards.names import GOING_TAINT, SURGE, SURGED
from replank.guards.read.documents import annotations_of, controller, is_true, labels_of, place
from replank.guards.sight import BudgetSight, DeploymentSight, NodeSight, PodSight
from replank.inventory.disruption import never_allows
from replank.inventory.label_selector import selects

Document = Mapping[str, Any]
_KEEPS_AWAY: Final = ("NoSchedule", "NoExecute")


def nodes(documents: Iterable[Document]) -> dict[str, NodeSight]:
    """By name."""
    return {found.name: found for found in map(_node, documents)}


def _node(document: Document) -> NodeSight:
    spec = document["spec"]
    taints = [taint for taint in spec.get("taints") or () if taint.get("effect") in _KEEPS_AWAY]
    going = any(taint["key"] == GOING_TAINT for taint in taints)
    others = any(taint["key"] != GOING_TAINT for taint in taints)
    return NodeSight(
        name=document["metadata"]["name"],
        going=going,
        open=is_true(document, "Ready") and not spec.get("unschedulable") and not going,
        reserved=others,
    )


def pods(
    documents: Iterable[Document], replica_sets: Sequence[Document], budgets: Sequence[Document]
) -> tuple[PodSight, ...]:
    """Of pods that drains evict, by namespace and name."""
    tops = {place(found): controller(found) for found in replica_sets}
    return tuple(
        PodSight(
            namespace=pod["metadata"]["namespace"],
            name=pod["metadata"]["name"],
            node=pod["spec"].get("nodeName") or "",
            owner=_owner(pod, tops),
            ready=is_true(pod, "Ready") and not pod["metadata"].get("deletionTimestamp"),
            budgets=tuple(place(budget) for budget in budgets if _covers(budget, pod)),
        )
        for pod in sorted(documents, key=place)
    )


def _owner(pod: Document, tops: Mapping[str, tuple[str, str]]) -> str:
    kind, name = controller(pod)
    if kind == "ReplicaSet":
        kind, name = tops.get(f"{pod['metadata']['namespace']}/{name}", ("", "")) or (kind, name)
        if not kind:
            kind, name = controller(pod)
    return f"{kind}/{name}" if kind else ""


def _covers(budget: Document, pod: Document) -> bool:
    """policy/v1: an empty selector takes all pods of the namespace, none at all takes none."""
    selector = budget["spec"].get("selector")
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"] or selector is None:
        return False
    return selects(selector, labels_of(pod))


def budgets(documents: Iterable[Document]) -> dict[str, BudgetSight]:
    """By place."""
    return {place(document): _budget(document) for document in documents}


def _budget(document: Document) -> BudgetSight:
    spec, status = document["spec"], document.get("status") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    expected = int(status.get("expectedPods", 0))
    return BudgetSight(
        place=place(document),
        bound=f"minAvailable {least}" if least is not None else f"maxUnavailable {most}",
        allowed=int(status.get("disruptionsAllowed", 0)),
        pods=expected,
        never=never_allows(
            min_available="" if least is None else str(least),
            max_unavailable="" if most is None else str(most),
            expected_pods=expected,
        ),
    )


def deployments(documents: Iterable[Document], scaled: Iterable[Document]) -> tuple[DeploymentSight, ...]:
    """Those that replank may scale or has scaled. `scaled`: HorizontalPodAutoscalers: what they hold is
    theirs."""
    held = {
        (found["metadata"]["namespace"], found["spec"]["scaleTargetRef"]["name"])
        for found in scaled
        if found["spec"]["scaleTargetRef"]["kind"] == "Deployment"
    }
    seen = [_deployment(document, held) for document in documents]
    return tuple(found for found in seen if found.allowed or found.surged_from is not None)


def _deployment(document: Document, held: set[tuple[str, str]]) -> DeploymentSight:
    meta = document["metadata"]
    surged = labels_of(document).get(SURGED)
    return DeploymentSight(
        namespace=meta["namespace"],
        name=meta["name"],
        replicas=int(document["spec"].get("replicas", 1)),
        allowed=annotations_of(document).get(SURGE) == "allowed"
        and (meta["namespace"], meta["name"]) not in held,
        surged_from=int(surged) if surged is not None and surged.isdecimal() else None,
        resource_version=meta["resourceVersion"],
    )


def endpoints(slices: Iterable[Document], evicted: Iterable[PodSight]) -> dict[str, tuple[str, ...]]:
    """Node -> services that send new connections to one of the evicted pods there."""
    wanted = {pod.place for pod in evicted}
    found: defaultdict[str, set[str]] = defaultdict(set)
    for part in slices:
        namespace = part["metadata"]["namespace"]
        service = f"{namespace}/{labels_of(part).get('kubernetes.io/service-name', '')}"
        for endpoint in part.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            ready = (endpoint.get("conditions") or {}).get("ready") is not False
            pod = f"{target.get('namespace', namespace)}/{target.get('name', '')}"
            if ready and target.get("kind") == "Pod" and pod in wanted and endpoint.get("nodeName"):
                found[endpoint["nodeName"]].add(service)
    return {node: tuple(sorted(services)) for node, services in found.items()}


def attached(attachments: Iterable[Document]) -> dict[str, tuple[str, ...]]:
    """Node -> PersistentVolumes that a VolumeAttachment holds there."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for attachment in attachments:
        spec = attachment["spec"]
        volume = (spec.get("source") or {}).get("persistentVolumeName") or attachment["metadata"]["name"]
        found[spec["nodeName"]].add(volume)
    return {node: tuple(sorted(volumes)) for node, volumes in found.items()}


def volume_handles(volumes: Iterable[Document]) -> frozenset[str]:
    """Cinder IDs of the cluster's PersistentVolumes (CSI, and the in-tree plugin of old)."""
    found: set[str] = set()
    for volume in volumes:
        spec = volume["spec"]
        for handle in (
            (spec.get("csi") or {}).get("volumeHandle"),
            (spec.get("cinder") or {}).get("volumeID"),
        ):
            if handle:
                found.add(str(handle))
    return frozenset(found)
