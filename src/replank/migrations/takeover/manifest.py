"""Objects as plain dictionaries, and the keys by which a plan names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.vocabulary import (
    CLONED_FROM_GROUP_KIND,
    CLONED_FROM_NAME,
    INFRASTRUCTURE,
    TEMPLATE_KIND,
)

Manifest = dict[str, JSON]


def manifest(
    api_version: str,
    kind: str,
    name: str,
    namespace: str,
    spec: Mapping[str, JSON],
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    """One object. Labels and annotations are left out where there are none."""
    metadata: dict[str, JSON] = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = dict(sorted(labels.items()))
    if annotations:
        metadata["annotations"] = dict(sorted(annotations.items()))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def texts(values: Iterable[str]) -> list[JSON]:
    """Texts as a JSON list."""
    return list(values)


def key(kind: str, name: str) -> str:
    """The key of an object in `Plan.manifests`."""
    return f"{kind}/{name}"


def reference(group: str, kind: str, name: str) -> dict[str, JSON]:
    """A typed reference of Cluster API v1beta2: group, kind and name, no version."""
    return {"apiGroup": group, "kind": kind, "name": name}


def cloned_from(template: str) -> dict[str, str]:
    """Annotations by which KCP and MachineDeployments tell which template a machine came from."""
    return {
        CLONED_FROM_NAME: template,
        CLONED_FROM_GROUP_KIND: f"{TEMPLATE_KIND}.{INFRASTRUCTURE}",
    }
