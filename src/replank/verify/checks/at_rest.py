"""Nothing is going, nothing stands still, all is well by the controllers' own word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from replank.inventory.cluster_api.names import PAUSED
from replank.inventory.cluster_api.object_meta import annotated, condition, deleting, key_of, part
from replank.verify.check import Check, Found
from replank.verify.sight import Document, Sight

KINDS: Final = (
    *("KubeadmControlPlane", "MachineDeployment", "MachineSet", "Machine", "KubeadmConfig"),
    *("OpenStackCluster", "OpenStackMachine", "OpenStackServer"),
)
_HEALTH: Final = (
    ("Cluster", (("Available", "True"),)),
    ("KubeadmControlPlane", (("Available", "True"), ("Remediating", "False"))),
    ("MachineDeployment", (("Available", "True"), ("Remediating", "False"))),
)
"""Conditions of cluster-api v1.14.0 (v1beta2) and what they should be. Where Remediating is not said, nobody
remediates."""


def _deleted(sight: Sight) -> Iterator[Found]:
    for document in sight.objects.values():
        if deleting(document):
            reason = condition(document, "Deleting") or {}
            yield Found(
                outcome="fail",
                subject=_subject(document),
                why=f"it has been deleted at {document['metadata']['deletionTimestamp']} and is going",
                todo="If nobody meant it, find out who did; a deletion cannot be taken back. Hooks hold a "
                "Machine's until they are taken off.",
                evidence=_text(reason),
            )


def _text(said: Any) -> tuple[str, ...]:
    """A condition in words."""
    text = " ".join(str(said.get("message") or said.get("reason") or "").split())
    return (text[:300],) if text else ()


def _subject(document: Document) -> str:
    return key_of(document).replace("/", " ")


def _paused(sight: Sight) -> Iterator[Found]:
    for document in sight.objects.values():
        spec_paused = document["kind"] in ("Cluster", "MachineDeployment") and part(document, "spec").get(
            "paused"
        )
        ways = [
            way
            for way, is_so in (
                ("spec.paused", spec_paused),
                (f"annotation {PAUSED}", PAUSED in annotated(document)),
            )
            if is_so
        ]
        if ways:
            yield Found(
                outcome="fail",
                subject=_subject(document),
                why=f"it is paused ({', '.join(ways)}): its controller leaves it alone",
                todo="Find out who paused it, and why. A takeover that is under way pauses, too.",
            )


def _healthy(sight: Sight) -> Iterator[Found]:
    for kind, wanted in _HEALTH:
        for document in sight.of(kind).values():
            for name, status in wanted:
                found = _judged(document, name, status)
                if found is not None:
                    yield found


def _judged(document: Document, name: str, status: str) -> Found | None:
    said = condition(document, name)
    if said is None and status == "False":
        return None
    if said is None or said.get("status") == "Unknown":
        evidence = _text(said or {})
        return Found(
            outcome="unknown",
            subject=_subject(document),
            why=f"its controller does not say whether it is {name}",
            todo="Look whether the controllers run and reach the cluster.",
            evidence=evidence,
        )
    if said.get("status") == status:
        return None
    return Found(
        outcome="fail",
        subject=_subject(document),
        why=f"its condition {name} is {said.get('status')}",
        todo=f"`kubectl describe {document['kind'].lower()}` says more.",
        evidence=_text(said),
    )


CHECKS: Final = (
    Check(code="RP745", says="Nothing is being deleted", needs=KINDS, look=_deleted),
    Check(code="RP746", says="Nothing is paused", needs=KINDS, look=_paused),
    Check(
        code="RP752",
        says="Cluster, control plane and MachineDeployments are Available, and nothing is remediated",
        needs=("KubeadmControlPlane", "MachineDeployment"),
        look=_healthy,
    ),
)
