"""What the controllers share: the documents they see and the ways in which they write."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from replank.testbed.simulation.documents import Document, copied, merged
from replank.testbed.simulation.etcd import Etcd
from replank.testbed.simulation.labels import (
    API_VERSIONS,
    CLUSTER_NAME,
    FINALIZERS,
    PAUSED,
    annotations_of,
    labels_of,
)
from replank.testbed.simulation.objects import Changed, Key, Objects, key_of, stamp
from replank.testbed.simulation.project import OpenStack


@dataclass(slots=True)
class Plane:
    """A management cluster's objects and what its controllers reach.

    `tell`: traces. `due`: earliest moment at which a controller has to look again although nothing was
    written. `born`: moments at which servers that CAPO made come up as Nodes, by server ID. `told_errors`:
    error texts and until when they are not told again.
    """

    objects: Objects
    cloud: OpenStack
    workload: Objects
    etcd: Etcd
    chance: random.Random
    tell: Callable[[str], None]
    due: float = float("inf")
    born: dict[str, float] = field(default_factory=dict)
    told_errors: dict[str, float] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """Virtual time."""
        return self.objects.now()

    def later(self, seconds: float) -> None:
        """Somebody has to look again then, at the latest."""
        self.due = min(self.due, self.now + seconds)

    def find(self, kind: str, namespace: str, name: str) -> Document | None:
        """The stored object of a kind that controllers know."""
        return self.objects.get(API_VERSIONS[kind].rpartition("/")[0], kind, namespace, name)

    def edit(self, seen: Document, edited: Document, manager: str) -> Document | None:
        """Patches what `edited` differs in from `seen`, whatever else the object looks like by now.

        None where it is gone, as a controller then logs and forgets it.
        """
        patch = difference(seen, edited) if edited != seen else {}
        live = self.objects.at(key_of(seen))
        if live is None or live["metadata"]["uid"] != seen["metadata"]["uid"]:
            return None
        return self.objects.put(merged(live, patch), manager) if patch else live

    def make(self, document: Document, manager: str) -> Document | None:
        """Creates an object; None where it exists (a stale cache: noise in the log)."""
        try:
            return self.objects.create(document, manager)
        except Changed as error:
            self.error(manager, str(error))
            return None

    def error(self, manager: str, text: str) -> None:
        """A reconcile error: told once a minute, tried again later."""
        if self.now >= self.told_errors.get(text, 0.0):
            self.told_errors[text] = self.now + 60.0
            self.tell(f"{manager}: {text}")
        self.later(5.0)


def difference(old: Any, new: Any) -> Document:
    """The merge patch from `old` to `new`, {} where they are equal."""
    patch: Document = {}
    for key in old.keys() - new.keys():
        patch[key] = None
    for key, value in new.items():
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            if inner := difference(old[key], value):
                patch[key] = inner
        elif old[key] != value:
            patch[key] = value
    return patch


def cluster_of(plane: Plane, document: Mapping[str, Any]) -> Document | None:
    """By spec.clusterName or the cluster-name label."""
    name = (document.get("spec") or {}).get("clusterName") or labels_of(document).get(CLUSTER_NAME, "")
    return plane.find("Cluster", document["metadata"].get("namespace", ""), name)


def is_paused(cluster: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """annotations.IsPaused of cluster-api."""
    return bool(cluster["spec"].get("paused")) or PAUSED in annotations_of(document)


def begun(plane: Plane, document: Document, cluster: Document, manager: str) -> Document | None:
    """The start of a reconcile in cluster-api v1.14.0: finalizer, then pause; each write ends it.

    The object where the controller goes on with it, None where it does not.
    """
    if finalized(plane, document, manager):
        return None
    paused = is_paused(cluster, document)
    told = told_paused(plane, document, paused, manager)
    return None if paused or told is not document else document


def finalized(plane: Plane, document: Document, manager: str) -> bool:
    """EnsureFinalizer: comes before the pause is looked at, never after a deletion. True where it wrote."""
    finalizer = FINALIZERS[document["kind"]]
    meta = document["metadata"]
    if meta.get("deletionTimestamp") or finalizer in (meta.get("finalizers") or []):
        return False
    edited: Document = copied(document)
    edited["metadata"]["finalizers"] = [*(meta.get("finalizers") or []), finalizer]
    plane.edit(document, edited, manager)
    return True


def released(plane: Plane, document: Document, manager: str) -> None:
    """Takes the controller's finalizer off: its part of a deletion is done."""
    finalizer = FINALIZERS[document["kind"]]
    edited: Document = copied(document)
    edited["metadata"]["finalizers"] = [f for f in edited["metadata"].get("finalizers", []) if f != finalizer]
    plane.edit(document, edited, manager)


def told_paused(plane: Plane, document: Document, paused: bool, manager: str) -> Document | None:
    """EnsurePausedCondition."""
    generation, status = document["metadata"].get("generation", 1), "True" if paused else "False"
    for found in (document.get("status") or {}).get("conditions") or []:
        now = (found["type"], found["status"], found["observedGeneration"])
        if now == ("Paused", status, generation):
            return document
    edited: Document = copied(document)
    condition(plane, edited, "Paused", paused, "Paused" if paused else "NotPaused")
    return plane.edit(document, edited, manager)


def condition(plane: Plane, document: Document, kind: str, holds: bool | None, reason: str = "") -> None:
    """Sets a v1beta2 condition in the document. `holds` None = Unknown."""
    status = {True: "True", False: "False", None: "Unknown"}[holds]
    conditions = document.setdefault("status", {}).setdefault("conditions", [])
    generation = document["metadata"].get("generation", 1)
    for found in conditions:
        if found["type"] == kind:
            if found["status"] != status:
                found["lastTransitionTime"] = stamp(plane.now)
            found |= {"status": status, "reason": reason or kind, "observedGeneration": generation}
            return
    conditions.append(
        {
            "type": kind,
            "status": status,
            "reason": reason or kind,
            "observedGeneration": generation,
            "lastTransitionTime": stamp(plane.now),
        }
    )


def controller_of(document: Mapping[str, Any]) -> Document | None:
    """The owner reference with controller: true."""
    return next((o for o in document["metadata"].get("ownerReferences") or [] if o.get("controller")), None)


def owned_by(document: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    """Whether `owner` is its controller."""
    reference = controller_of(document)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def own(document: Document, owner: Mapping[str, Any], *, controller: bool = False) -> None:
    """Puts an owner reference into the document."""
    reference = {
        "apiVersion": API_VERSIONS[owner["kind"]],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    if controller:
        reference |= {"controller": True, "blockOwnerDeletion": True}
    references = document["metadata"].setdefault("ownerReferences", [])
    for index, found in enumerate(references):
        if found["uid"] == reference["uid"]:
            references[index] = found | reference
            return
    references.append(reference)


def adopt(plane: Plane, document: Document | None, owner: Document, manager: str, **options: Any) -> None:
    """Writes the owner reference, and the cluster-name label where `label` names a cluster."""
    if document is None:
        return
    controller, label = options.get("controller", False), options.get("label")
    labelled = not label or labels_of(document).get(CLUSTER_NAME) == label
    for found in document["metadata"].get("ownerReferences") or []:
        if (
            found["uid"] == owner["metadata"]["uid"]
            and labelled
            and bool(found.get("controller")) >= controller
        ):
            return
    edited: Document = copied(document)
    own(edited, owner, controller=controller)
    if label:
        edited["metadata"].setdefault("labels", {})[CLUSTER_NAME] = label
    plane.edit(document, edited, manager)


def referred(
    plane: Plane, document: Mapping[str, Any], reference: Mapping[str, Any] | None
) -> Document | None:
    """The object of a v1beta2 reference, in the same namespace."""
    if not reference:
        return None
    return plane.find(reference["kind"], document["metadata"]["namespace"], reference["name"])


def remove(plane: Plane, document: Mapping[str, Any]) -> None:
    """Asks the API server to delete it."""
    key: Key = key_of(document)
    plane.objects.delete(key)
