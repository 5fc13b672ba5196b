"""Parts of Kubernetes documents that several readers need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def labels_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Its labels."""
    return document["metadata"].get("labels") or {}


def annotations_of(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Its annotations."""
    return document["metadata"].get("annotations") or {}


def condition(document: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of that type, empty where there is none."""
    found = (document.get("status") or {}).get("conditions") or ()
    return next((entry for entry in found if entry.get("type") == kind), {})


def is_true(document: Mapping[str, Any], kind: str) -> bool:
    """Whether that condition is True."""
    return condition(document, kind).get("status") == "True"


def controller(document: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and name of the controlling owner, two empty strings where there is none."""
    for owner in document["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return owner["kind"], owner["name"]
    return "", ""


def seconds(time: str | None) -> float | None:
    """Of an RFC 3339 time, since 1970."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() if time else None


def place(document: Mapping[str, Any]) -> str:
    """`namespace/name`."""
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"
