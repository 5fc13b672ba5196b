"""Step `cluster-api.remove-guards`: the hooks that hold up drain and termination come off the Machines."""

from __future__ import annotations

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import live
from replank.migrations.takeover.steps.foreign import require_only_planned
from replank.migrations.takeover.steps.live_object import annotations_of, is_deleting, version_of
from replank.migrations.takeover.vocabulary import GUARDS
from replank.plan.parameters import found_before, texts
from replank.ports.access import Document, ObjectRef


class RemoveGuards:
    """From here on Cluster API drains and deletes a Machine when it is asked to."""

    async def found(self, at: At) -> JSON:
        """`guards`: `Machine/name` -> the guard annotations that it carries."""
        guards: dict[str, JSON] = {}
        for name in texts(at.step.params, "objects"):
            document = await _standing(at, name)
            guards[name] = {n: v for n, v in annotations_of(document).items() if n in GUARDS}
        return {"guards": guards}

    async def apply(self, at: At) -> JSON:
        """Raises `Refused` (RP861), before any guard is taken off, where a Machine is gone or going."""
        names = texts(at.step.params, "objects")
        documents = {name: await _standing(at, name) for name in names}
        freed: list[JSON] = []
        for name, document in documents.items():
            carried = [guard for guard in GUARDS if guard in annotations_of(document)]
            if not carried:
                continue
            # With the version that was looked at: a deletion in between is a conflict, not a surprise.
            await at.access.management.merge(
                ObjectRef.of(at.plan.manifests[name]),
                {"metadata": {"annotations": dict.fromkeys(carried)}},
                resource_version=version_of(document),
            )
            freed.append(name)
        return {"unguarded": freed}

    async def undo(self, at: At) -> JSON:
        """Puts the guards back. Raises `Refused` where machines were made (RP862) or are gone (RP861)."""
        await require_only_planned(at)
        noted = found_before(found_before(at.before).get("guards"))
        documents = {name: await _standing(at, name) for name in noted}
        guarded: list[JSON] = []
        for name, document in documents.items():
            guards = found_before(noted[name])
            if guards.items() <= annotations_of(document).items():
                continue
            await at.access.management.merge(
                ObjectRef.of(at.plan.manifests[name]), {"metadata": {"annotations": guards}}
            )
            guarded.append(name)
        return {"guarded": guarded}


async def _standing(at: At, name: str) -> Document:
    document = await live(at, name)
    if document is not None and not is_deleting(document):
        return document
    raise Refused(
        "RP861",
        f"The guards of {name} cannot be changed",
        f"{name} is " + ("gone, and its server with it" if document is None else "being deleted"),
        "Find out who deleted it. What was deleted cannot be given back; the other machines stay.",
    )
