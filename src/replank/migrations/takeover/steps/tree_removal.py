"""Removes objects and all that is owned by them, so that no controller ever sees a deletion.

`deletionTimestamp` together with a provider's finalizer makes that provider delete the server. So, while all
is paused and CAPO cannot write: strip an object's finalizers and at once delete it, with uid and the
resourceVersion that the strip returned, children first (the garbage collector would delete them else). The
controllers put finalizers back within a second; then the API server answers 409, and the object is begun
again (all seen on cluster-api v1.14.0 and CAPO v0.14.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from replank.domain.errors import Hold, Refused, Transient
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At, CheckCode
from replank.migrations.takeover.steps.family import CHILDREN_FIRST, Family, live, look
from replank.migrations.takeover.steps.foreign import refuse_foreign
from replank.migrations.takeover.steps.given_credential import is_given_secret
from replank.migrations.takeover.steps.live_object import (
    finalizers_of,
    name_of,
    owners_of,
    uid_of,
    version_of,
)
from replank.migrations.takeover.steps.pausing import await_paused, not_paused, pause_cluster
from replank.migrations.takeover.vocabulary import CLUSTER_NAME
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Conflict, Document, ObjectRef

_ROUNDS: Final = 10
_TRIES: Final = 30
_PAUSE_S: Final = 0.05
_NO_PARAMS: Final[Mapping[str, JSON]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRemoval:
    """`cannot_write`: the check that CAPO could delete no server now, whatever it reads, asked before its
    objects go; None only where nothing is behind them."""

    cannot_write: CheckCode | None

    async def remove(self, at: At, roots: Sequence[str]) -> list[JSON]:
        """Removes the plan's objects `roots` (`Kind/name`) with everything owned by them; what is gone is
        left alone. With the Cluster goes everything of its name.

        Raises `Refused` (RP862) where Cluster API has made machines, before anything is removed; `Hold`
        (RP864, RP865) while a fence does not stand; `Transient` (RP866) where finalizers keep coming back.
        """
        if all([await live(at, name) is None for name in roots]):
            return []
        removed: list[JSON] = []
        gone: set[str] = set()
        for _ in range(_ROUNDS):
            family = await look(at)
            refuse_foreign(at.plan, family)
            tree = _tree(at, roots, gone, [*family.objects.values(), *await _secrets(at)])
            if not tree:
                return removed
            await self._require_fences(at, family, tree)
            uids = gone | {uid_of(document) for document in tree}
            for kind, documents in groupby(tree, key=lambda document: str(document["kind"])):
                for document in documents:
                    removed += await _remove(at, document, uids)
                    gone.add(uid_of(document))
                if await _made_again(at, roots, uids, kind):
                    # Its owner must not go before it: begin with what is there now.
                    break
        raise Transient(
            "RP866",
            f"{', '.join(roots)} cannot be removed",
            f"in {_ROUNDS} rounds somebody made objects anew that belong to it",
            "Look at the managers of Cluster API: something makes objects under the pause.",
        )

    async def _require_fences(self, at: At, family: Family, tree: Sequence[Document]) -> None:
        if await pause_cluster(at) and not_paused(family):
            await await_paused(at)
        behind = [d for d in tree if str(d["kind"]).startswith("OpenStack") and finalizers_of(d)]
        if self.cannot_write is None or not behind:
            return
        verdict = await self.cannot_write(at, _NO_PARAMS)
        if verdict.outcome != "pass":
            raise Hold(
                "RP865",
                f"{', '.join(at.step.objects)} cannot be removed yet",
                f"it is not certain that CAPO could delete no server: {verdict.why}",
                verdict.todo or "Put the reading credential into the cluster's cloud-config Secret.",
            )


async def _secrets(at: At) -> list[Document]:
    found = await at.access.management.list(
        "v1", "Secret", at.plan.namespace, {CLUSTER_NAME: at.plan.cluster}
    )
    return [{**document, "apiVersion": "v1", "kind": "Secret"} for document in found]


def _tree(at: At, roots: Sequence[str], gone: set[str], documents: Sequence[Document]) -> list[Document]:
    """The roots and all that is owned by them or by what is gone already, children first."""
    with_cluster = key("Cluster", at.plan.cluster) in roots
    inside = {
        uid_of(d)
        for d in documents
        if key(d["kind"], name_of(d)) in roots or (with_cluster and d["kind"] != "Secret")
    }
    growing = True
    while growing:
        more = {
            uid_of(document)
            for document in documents
            if {str(owner["uid"]) for owner in owners_of(document)} & (inside | gone)
        }
        growing = not more <= inside
        inside |= more
    found = [document for document in documents if uid_of(document) in inside]
    return sorted(found, key=lambda d: (_rank(str(d["kind"])), name_of(d)))


def _rank(kind: str) -> int:
    return CHILDREN_FIRST.index(kind) if kind in CHILDREN_FIRST else -1


async def _made_again(at: At, roots: Sequence[str], uids: set[str], kind: str) -> bool:
    if kind not in CHILDREN_FIRST:
        return False
    there = (await look(at, (kind,))).objects.values()
    return bool(_tree(at, roots, uids, list(there)))


async def _remove(at: At, document: Document, tree: set[str]) -> list[JSON]:
    name = key(document["kind"], name_of(document))
    if _is_planned_secret(at.plan, document) or is_given_secret(at.plan, document):
        # Its own step puts it back as it was; owned, it would go with its owner.
        kept = [owner for owner in owners_of(document) if str(owner["uid"]) not in tree]
        patch = {"metadata": {"ownerReferences": kept or None}}
        await at.access.management.merge(ObjectRef.of(document), patch, resource_version=version_of(document))
        return []
    await _strip_and_delete(at, document)
    return [name]


def _is_planned_secret(plan: TakeoverPlan, document: Document) -> bool:
    return document["kind"] == "Secret" and any(s.name == name_of(document) for s in plan.secrets)


async def _strip_and_delete(at: At, document: Document) -> None:
    api, ref, uid = at.access.management, ObjectRef.of(document), uid_of(document)
    for _ in range(_TRIES):
        there = await api.get(ref)
        if there is None or uid_of(there) != uid:
            return
        try:
            if finalizers_of(there):
                there = await _strip(at, ref, there)
            if there is not None:
                await api.delete(ref, uid=uid, resource_version=version_of(there))
            return
        except Conflict:
            await at.access.clock.sleep(_PAUSE_S)
    raise Transient(
        "RP866",
        f"{ref.kind} {ref.name} cannot be removed",
        f"in {_TRIES} tries somebody wrote it each time between the strip of its finalizers and the delete",
        "Nothing is half done. If it stays so, look at what writes it.",
    )


async def _strip(at: At, ref: ObjectRef, there: Document) -> Document | None:
    """The object without finalizers; None where it went with them (somebody had deleted it)."""
    try:
        return await at.access.management.merge(
            ref, {"metadata": {"finalizers": None}}, resource_version=version_of(there)
        )
    except Refused:
        if await at.access.management.get(ref) is None:
            return None
        raise
