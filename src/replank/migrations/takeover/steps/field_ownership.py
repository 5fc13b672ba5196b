"""Step `kubernetes.drop-managed-fields`: replank stops being a manager of fields.

Server-side apply leaves it co-owner of every field, so that what others remove later would stay. Its entries
are taken out of managedFields; an empty apply instead would delete what it owns alone, dataSecretName among
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from replank.domain.errors import Refused, Transient
from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import version_of
from replank.plan.parameters import text
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Conflict, Document, ObjectRef

_TRIES: Final = 20
_PAUSE_S: Final = 0.1


class DropManagedFields:
    """Of every object and Secret of the plan. There is no way back, and none is needed: fields stay."""

    async def found(self, _: At) -> JSON:
        """Nothing that could be put back: who owned which field is not told again by any API."""
        return None

    async def apply(self, at: At) -> JSON:
        """Raises `Refused` (RP869) where an object is gone, `Transient` (RP866) where it never rests."""
        manager = text(at.step.params, "manager")
        dropped: list[JSON] = []
        for ref in _written_by_us(at.plan):
            if await _drop(at, ref, manager):
                dropped.append(f"{ref.kind}/{ref.name}")
        return {"dropped": dropped}

    async def undo(self, _: At) -> JSON:
        """Changes nothing: what the fields say is left as it is, and undo goes on without owning them."""
        return None


async def no_managed_fields(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `kubernetes.no-managed-fields`."""
    manager = text(params, "manager")
    left, gone = [], []
    for ref in _written_by_us(at.plan):
        document = await at.access.management.get(ref)
        if document is None:
            gone.append(f"{ref.kind}/{ref.name}")
        elif _others(document, manager) != _entries(document):
            left.append(f"{ref.kind}/{ref.name}")
    if gone:
        return failed(f"{', '.join(gone)} is not there", "Find out who deleted it, then undo or plan again.")
    if left:
        return failed(f"{manager} still manages fields of {', '.join(left)}", "Resume the run.")
    return passed(objects=len(_written_by_us(at.plan)))


def _written_by_us(plan: TakeoverPlan) -> list[ObjectRef]:
    objects = [ObjectRef.of(manifest) for manifest in plan.manifests.values()]
    return objects + [ObjectRef("v1", "Secret", s.namespace, s.name) for s in plan.secrets]


async def _drop(at: At, ref: ObjectRef, manager: str) -> bool:
    for _ in range(_TRIES):
        document = await at.access.management.get(ref)
        if document is None:
            raise Refused(
                "RP869",
                f"{ref.kind} {ref.name} cannot be handed over",
                "it is not there any more: somebody has deleted it",
                "Find out who did; undo the run, or plan again.",
            )
        others = _others(document, manager)
        if others == _entries(document):
            return False
        try:
            await at.access.management.json_patch(ref, _operations(document, others))
        except Conflict:
            await at.access.clock.sleep(_PAUSE_S)
            continue
        return True
    raise Transient(
        "RP866",
        f"{ref.kind} {ref.name} cannot be handed over yet",
        f"in {_TRIES} tries somebody else wrote it each time in between",
        "It is tried again.",
    )


def _operations(document: Document, others: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    # An empty list changes nothing, on purpose; a list with one empty entry empties it (Kubernetes,
    # "Server-Side Apply: clearing managedFields").
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version_of(document)},
        {"op": "replace", "path": "/metadata/managedFields", "value": list(others) or [{}]},
    ]


def _entries(document: Document) -> list[dict[str, Any]]:
    return list(document["metadata"].get("managedFields") or [])


def _others(document: Document, manager: str) -> list[dict[str, Any]]:
    return [entry for entry in _entries(document) if entry.get("manager") != manager]
