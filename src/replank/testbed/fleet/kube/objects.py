"""Kubernetes objects and pods, with the metadata that an API server gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.testbed.fleet.layout import ClusterLayout
from replank.testbed.world import Document


def make(
    layout: ClusterLayout,
    api_version: str,
    kind: str,
    name: str,
    *,
    namespace: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    owner: Document | None = None,
    **body: Any,
) -> Document:
    """An object with uid, resourceVersion and creationTimestamp. `owner`: its controller."""
    path = (kind, namespace, name)
    metadata: Document = {
        "name": name,
        "uid": layout.id("object", *path),
        "resourceVersion": str(1000 + layout.mint.number("cluster", layout.name, *path, below=900000)),
        "creationTimestamp": layout.timestamp(300),
    }
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    if owner:
        metadata["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def owner_reference(owner: Document) -> Document:
    """The reference of a controller."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod(
    layout: ClusterLayout,
    name: str,
    node: str,
    *,
    namespace: str,
    labels: Mapping[str, str],
    image: str,
    owner: Document | None = None,
    annotations: Mapping[str, str] | None = None,
    host_network: bool = False,
    volumes: list[Document] | None = None,
    env: Mapping[str, str] | None = None,
) -> Document:
    """A running, ready pod with one container."""
    container: Document = {"name": labels.get("app", labels.get("k8s-app", "main")), "image": image}
    if env:
        container["env"] = [{"name": key, "value": value} for key, value in env.items()]
        container["args"] = [f"--{key.lower().replace('_', '-')}={value}" for key, value in env.items()]
    return make(
        layout,
        "v1",
        "Pod",
        name,
        namespace=namespace,
        labels=labels,
        annotations=annotations,
        owner=owner,
        spec={
            "nodeName": node,
            "hostNetwork": host_network,
            "containers": [container],
            "volumes": volumes or [],
            "restartPolicy": "Always",
        },
        status=pod_status(layout, container),
    )


def pod_status(layout: ClusterLayout, container: Document) -> Document:
    """Running and ready."""
    conditions = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": layout.timestamp(400)}
            for kind in conditions
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "started": True,
                "state": {"running": {"startedAt": layout.timestamp(400)}},
            }
        ],
    }
