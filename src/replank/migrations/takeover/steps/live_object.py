"""What a live object says about itself. Absent parts read as empty, as the API means them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replank.ports.access import Document


def name_of(document: Mapping[str, Any]) -> str:
    """metadata.name."""
    return str(document["metadata"]["name"])


def uid_of(document: Mapping[str, Any]) -> str:
    """metadata.uid."""
    return str(document["metadata"].get("uid", ""))


def version_of(document: Mapping[str, Any]) -> str:
    """metadata.resourceVersion."""
    return str(document["metadata"].get("resourceVersion", ""))


def labels_of(document: Mapping[str, Any]) -> dict[str, str]:
    """metadata.labels."""
    return dict(document["metadata"].get("labels") or {})


def annotations_of(document: Mapping[str, Any]) -> dict[str, str]:
    """metadata.annotations."""
    return dict(document["metadata"].get("annotations") or {})


def finalizers_of(document: Mapping[str, Any]) -> list[str]:
    """metadata.finalizers."""
    return list(document["metadata"].get("finalizers") or [])


def is_deleting(document: Mapping[str, Any]) -> bool:
    """Whether somebody has deleted it and a finalizer holds it."""
    return bool(document["metadata"].get("deletionTimestamp"))


def spec_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """spec."""
    return dict(document.get("spec") or {})


def status_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """status."""
    return dict(document.get("status") or {})


def owners_of(document: Mapping[str, Any]) -> list[Document]:
    """metadata.ownerReferences."""
    return list(document["metadata"].get("ownerReferences") or [])


def controller_of(document: Mapping[str, Any]) -> Document | None:
    """The owner reference of its controller, None where it has none."""
    return next((owner for owner in owners_of(document) if owner.get("controller")), None)


def condition(document: Mapping[str, Any], kind: str) -> Document | None:
    """The condition of that type (metav1.Condition of Cluster API v1beta2, or CAPO's own)."""
    conditions: list[Document] = status_of(document).get("conditions") or []
    return next((found for found in conditions if found.get("type") == kind), None)


def condition_is(document: Mapping[str, Any], kind: str, status: str = "True") -> bool:
    """Whether the condition is there with this status."""
    found = condition(document, kind)
    return found is not None and found.get("status") == status


def condition_text(document: Mapping[str, Any], kind: str) -> str:
    """The condition in words, for a verdict."""
    found = condition(document, kind)
    if found is None:
        return f"{kind} is not said yet"
    message = " ".join(str(found.get("message") or found.get("reason") or "").split())
    return f"{kind} is {found.get('status')}" + (f": {message[:300]}" if message else "")
