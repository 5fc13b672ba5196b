"""Labels, owners and times of generic objects."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def labels(document: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.labels, empty where there are none."""
    return document["metadata"].get("labels") or {}


def annotated(document: Mapping[str, Any]) -> Mapping[str, str]:
    """metadata.annotations, empty where there are none."""
    return document["metadata"].get("annotations") or {}


def owner_uid(document: Mapping[str, Any]) -> str | None:
    """The uid of the controller that owns it, None where nobody does (metav1.GetControllerOf)."""
    for owner in document["metadata"].get("ownerReferences") or []:
        if owner.get("controller") is True:
            return str(owner.get("uid") or "")
    return None


def controlled_by(document: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """metav1.IsControlledBy: by uid alone."""
    return owner_uid(document) == (owner["metadata"].get("uid") or "")


def moment(text: Any) -> float | None:
    """A time of Kubernetes in seconds since 1970, None where it is not set. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp() if text else None


def key_of(document: Mapping[str, Any]) -> str:
    """`Kind/name`."""
    return f"{document['kind']}/{document['metadata']['name']}"


def deleting(document: Mapping[str, Any]) -> bool:
    """Whether it carries a deletionTimestamp."""
    return bool(document["metadata"].get("deletionTimestamp"))


def part(document: Mapping[str, Any] | None, *path: str) -> Mapping[str, Any]:
    """The object at that path, empty where there is none."""
    found: Any = document
    for name in path:
        found = (found or {}).get(name)
    return found or {}


def condition(document: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The condition of that type in status.conditions, None where it is not said."""
    said = part(document, "status").get("conditions") or ()
    return next((found for found in said if found.get("type") == kind), None)
