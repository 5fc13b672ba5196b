"""Step `runtime.align`: a KubeadmControlPlane or MachineDeployment, and all that Cluster API compares it
with, are changed together, so that it replaces nothing. Undo `runtime.unalign` does the same the other way.

Killed at any point it leaves its objects paused, and half of it changed at most: nothing rolls. The next try,
or the undo, takes up from what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.cluster_api.object_meta import key_of
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.controlled import (
    alignment_of,
    family,
    live,
    machines_of,
    ref_of,
)
from replank.migrations.runtime_swap.steps.edits import (
    Places,
    Way,
    edited,
    fits,
    patch,
    places_of,
    stands,
)
from replank.migrations.runtime_swap.steps.pause import pause, paused_by_us, resume, until_seen
from replank.plan.parameters import found_before
from replank.plan.runtime_swap import Alignment, PlannedEdit
from replank.ports.access import Document

SETTLE_S: Final = 10.0
"""How long everything lies changed before a controller goes on. KCP reads KubeadmConfigs and infrastructure
from caches that nobody can ask; they follow within a second."""
REVISION: Final = "machinedeployment.clusters.x-k8s.io/revision"


class AlignObjects:
    """`runtime.align`."""

    async def found(self, at: At) -> JSON:
        """`places`: of arguments that are taken out. `machines`, `sets`: name -> uid, of the whole cluster.
        `revisions`: of MachineDeployments. What edits find is in the plan."""
        places: dict[str, JSON] = {}
        for key, edits in _by_object(alignment_of(at)).items():
            places.update(places_of(await live(at, key, edits[0].api_version), edits))
        return {"places": places, **standing(await family(at))}

    async def apply(self, at: At) -> JSON:
        """Raises `Refused`: RP971 (an object is another one than the plan's), RP972 (something would be
        replaced); `Hold` RP974."""
        return await _move(at, "forth")

    async def undo(self, at: At) -> JSON:
        """Raises as `apply`."""
        return await _move(at, "back")


def standing(objects: Mapping[str, Document]) -> dict[str, JSON]:
    """What must not change by an alignment: which Machines and MachineSets there are, and revisions."""
    return {
        "machines": _uids(objects, "Machine"),
        "sets": _uids(objects, "MachineSet"),
        "revisions": {
            key: str((document["metadata"].get("annotations") or {}).get(REVISION, ""))
            for key, document in objects.items()
            if document["kind"] == "MachineDeployment"
        },
    }


async def unaligned(at: At, alignment: Alignment) -> list[str]:
    """What is not as the plan makes it, in words; our pause among it."""
    left = []
    for key, edits in _by_object(alignment).items():
        document = await live(at, key, edits[0].api_version)
        left += [
            f"{key} {edit.at} {edit.argument}".rstrip()
            for edit in edits
            if not stands(document, edit, "forth")
        ]
    left += [f"{key} is paused by this run" for key in alignment.pauses if paused_by_us(await live(at, key))]
    return left


def _uids(objects: Mapping[str, Document], kind: str) -> dict[str, JSON]:
    return {
        document["metadata"]["name"]: str(document["metadata"].get("uid", ""))
        for document in objects.values()
        if document["kind"] == kind
    }


def _by_object(alignment: Alignment) -> dict[str, list[PlannedEdit]]:
    found: dict[str, list[PlannedEdit]] = {}
    for edit in alignment.edits:
        found.setdefault(edit.object, []).append(edit)
    return found


async def _move(at: At, way: Way) -> JSON:
    alignment, places = alignment_of(at), _places(at)
    there = await _fitting(at, alignment)
    todo = [key for key, edits in _by_object(alignment).items() if _moves(there[key], edits, way)]
    if not todo and not any([paused_by_us(await live(at, key)) for key in alignment.pauses]):
        return {"changed": [], "already": True}
    await _require_keep(at, alignment, way, places, there)
    await pause(at, alignment)
    written: list[JSON] = []
    for key, edits in _by_object(alignment).items():
        document = await live(at, key, edits[0].api_version)
        _require_fit(document, edits)
        operations = patch(document, edited(document, edits, way, places), edits)
        if operations:
            await at.access.management.json_patch(ref_of(at, key, edits[0].api_version), operations)
            written.append(key)
    await until_seen(at, alignment)
    await at.access.clock.sleep(SETTLE_S)
    await _require_keep(at, alignment, way, places, {})
    resumed: list[JSON] = list(await resume(at, alignment))
    return {"changed": written, "resumed": resumed}


def _places(at: At) -> Places:
    told = found_before(at.before).get("places")
    return {str(k): v for k, v in told.items() if isinstance(v, int)} if isinstance(told, dict) else {}


async def _fitting(at: At, alignment: Alignment) -> dict[str, Document]:
    """All objects that are edited. Raises `Refused` RP971."""
    found = {}
    for key, edits in _by_object(alignment).items():
        found[key] = await live(at, key, edits[0].api_version)
        _require_fit(found[key], edits)
    return found


def _require_fit(document: Document, edits: list[PlannedEdit]) -> None:
    wrong = [edit for edit in edits if not fits(document, edit)]
    if wrong:
        raise Refused(
            "RP971",
            f"{key_of(document)} is not changed",
            "somebody else has changed it since the plan was made: "
            + ", ".join(f"{edit.at} {edit.argument}".rstrip() for edit in wrong),
            "Bring it back, or survey and plan again. What this run has paused stays paused: resume or undo "
            "it.",
        )


def _moves(document: Document, edits: list[PlannedEdit], way: Way) -> bool:
    return not all(stands(document, edit, way) for edit in edits)


async def _require_keep(
    at: At, alignment: Alignment, way: Way, places: Places, coming: Mapping[str, Document]
) -> None:
    """Judges the objects as they are, those of `coming` as they will be. Raises `Refused` RP972."""
    objects = await family(at)
    for key, edits in _by_object(alignment).items():
        if key in coming and key in objects:
            objects[key] = edited(coming[key], edits, way, places)
    judgement = await at.access.judge.judge(objects)
    own = {alignment.keeper, *alignment.pauses, *machines_of(objects, alignment.keeper)}
    rolling = [f"{found.object}: {found.why}" for found in judgement.rolling if found.object in own]
    if rolling:
        when = "is not changed" if coming else "stays paused"
        raise Refused(
            "RP972",
            f"{alignment.keeper} {when}",
            f"Cluster API would replace machines ({judgement.by} says): {'; '.join(rolling)}",
            "Find out what else differs (`replank verify`), bring it in line, then resume or undo the run. "
            "Nothing is replaced while it is paused.",
        )
