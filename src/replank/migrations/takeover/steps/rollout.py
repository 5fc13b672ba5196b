"""Whether an owner of Machines is where its spec says, and whether it wishes to replace any.

Conditions and counts: cluster-api v1.14.0, api/core/v1beta2 and api/controlplane/kubeadm/v1beta2.
"""

from __future__ import annotations

from typing import Final

from replank.migrations.takeover.steps.live_object import condition_is, condition_text, spec_of, status_of
from replank.ports.access import Document

_WISHES: Final = (("RollingOut", "True"), ("MachinesUpToDate", "False"), ("Remediating", "True"))


def rollout_wish(document: Document) -> list[str]:
    """In words, empty where it wishes nothing."""
    return [
        f"{document['kind']} {document['metadata']['name']}: {condition_text(document, kind)}"
        for kind, status in _WISHES
        if condition_is(document, kind, status)
    ]


def unmet(document: Document, kind: str) -> list[str]:
    """The condition in words where it is not True."""
    if condition_is(document, kind):
        return []
    return [f"{document['kind']} {document['metadata']['name']}: {condition_text(document, kind)}"]


def counts_behind(document: Document, *counts: str) -> list[str]:
    """In words which of the status' counts are not `spec.replicas`, or that the spec was not seen yet."""
    status, wanted = status_of(document), spec_of(document).get("replicas")
    about = f"{document['kind']} {document['metadata']['name']}"
    if status.get("observedGeneration") != document["metadata"].get("generation"):
        return [f"{about}: its controller has not seen the newest spec"]
    behind = [f"{count} {status.get(count, 0)}" for count in counts if status.get(count, 0) != wanted]
    return [f"{about}: {', '.join(behind)} of {wanted}"] if behind else []
