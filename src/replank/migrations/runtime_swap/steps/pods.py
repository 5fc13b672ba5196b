"""The pods of a node, as the API tells of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replank.inventory.facts.json_value import JSON
from replank.inventory.node_pods import is_node_pod
from replank.migrations.runtime_swap.steps.at import At
from replank.ports.access import Document


async def pods_of(at: At, node: str) -> dict[str, JSON]:
    """`namespace/name` -> uid, and for each container that is ready its ID and restart count."""
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": {
            "uid": pod["metadata"]["uid"],
            "containers": {
                status["name"]: {
                    "id": status.get("containerID", ""),
                    "restarts": status.get("restartCount", 0),
                }
                for status in _statuses(pod)
                if status.get("ready")
            },
        }
        for pod in await live_pods(at, node)
    }


async def pods_on(at: At, node: str) -> tuple[Document, ...]:
    """Pods on the node that have not ended, but those by which replank reaches nodes."""
    return tuple(pod for pod in await _all_on(at, node) if not _is_way(pod))


async def ways_to(at: At, node: str) -> tuple[Document, ...]:
    """Pods by which replank reaches the node: nothing is drained or awaited for them, and they may be
    stopped and started again at any time."""
    return tuple(pod for pod in await _all_on(at, node) if _is_way(pod))


async def _all_on(at: At, node: str) -> tuple[Document, ...]:
    return tuple(
        pod
        for pod in await at.access.workload.list("v1", "Pod")
        if pod.get("spec", {}).get("nodeName") == node
        and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    )


def _is_way(pod: Document) -> bool:
    return is_node_pod(pod["metadata"].get("namespace", ""), pod["metadata"].get("labels"))


async def live_pods(at: At, node: str) -> tuple[Document, ...]:
    """Those of them that are not being deleted."""
    return tuple(pod for pod in await pods_on(at, node) if not pod["metadata"].get("deletionTimestamp"))


def is_evicted(pod: Document) -> bool:
    """Whether a drain evicts it: no static pod, and no DaemonSet's (kubectl drain, filters.go)."""
    return not _is_static(pod) and _owner(pod) != "DaemonSet"


def bare(pod: Document) -> bool:
    """Whether nobody makes it anew."""
    return not _is_static(pod) and not _owner(pod)


def name_of(pod: Document) -> str:
    """`namespace/name`."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def uid_on_node(pod: Document) -> str:
    """As the kubelet calls it: a static pod by the hash of its configuration."""
    annotations = pod["metadata"].get("annotations") or {}
    return str(annotations.get("kubernetes.io/config.hash") or pod["metadata"]["uid"])


def _is_static(pod: Document) -> bool:
    return "kubernetes.io/config.mirror" in (pod["metadata"].get("annotations") or {})


def _owner(pod: Document) -> str:
    """Kind of its controller, "" = none."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(owner["kind"]) for owner in owners if owner.get("controller")), "")


def _statuses(pod: Document) -> Iterator[dict[str, Any]]:
    yield from pod.get("status", {}).get("containerStatuses") or ()
