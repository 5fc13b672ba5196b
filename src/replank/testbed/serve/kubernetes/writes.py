"""Writes to the objects of one API server and to their status, answered as the real one answers them.

Knows nothing of HTTP.

What is taken and refused, and who owns which field, is the simulation's (`testbed/simulation/`): one set of
rules for the world in memory and for the one on the wire.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from replank.testbed.serve.kubernetes.refusals import changed, fought, misshapen
from replank.testbed.serve.kubernetes.store import (
    Answer,
    ObjectStore,
    Place,
    answered,
    not_found,
    not_served,
    status_document,
)
from replank.testbed.simulation.documents import Document, PatchRefused, copied, merged, patched
from replank.testbed.simulation.field_managers import FieldConflict, FieldManager, applied, leaves, parsed
from replank.testbed.simulation.objects import Changed, Objects
from replank.testbed.simulation.status_apply import Misshapen, status_applied
from replank.testbed.simulation.webhooks import Denied, admitted

APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"


class Refusal(Exception):
    """An answer other than 2xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Writer:
    """POST, PATCH and DELETE of single objects. PUT and deletion of collections are not served."""

    def __init__(self, objects: Objects, store: ObjectStore) -> None:
        self._objects = objects
        self._store = store

    def answer(
        self, method: str, path: str, query: Mapping[str, str], content_type: str, body: bytes
    ) -> Answer:
        """Does what is asked, or answers why not. Everything happens at once or not at all."""
        place = self._store.place(path)
        if place is None:
            return not_served(path)
        try:
            content = json.loads(body) if body else {}
            if place.part:
                return self._status(place, method, content, query, content_type)
            match method, bool(place.name):
                case "POST", False:
                    return self._create(place, content, query)
                case "PATCH", True:
                    return self._patch(place, content, query, content_type)
                case "DELETE", True:
                    return self._delete(place, content)
        except Refusal as refusal:
            return refusal.answer
        except ValueError:
            return status_document(400, "BadRequest", "the body of the request could not be decoded")
        return status_document(405, "MethodNotAllowed", f"the twin does not {method} this")

    def _create(self, place: Place, document: Document, query: Mapping[str, str]) -> Answer:
        here = Place(place.resource, place.namespace, document["metadata"]["name"])
        self._must_have_namespace(here)
        if self._objects.at(_key(here)) is not None:
            message = f'{here.qualified} "{here.name}" already exists'
            return status_document(409, "AlreadyExists", message, {"name": here.name})
        new = self._admit(here, None, _complete(here, document))
        if _is_dry(query):
            return answered(201, new)
        return answered(
            201, self._shown(self._objects.create(new, query.get("fieldManager", "unknown")), here)
        )

    def _patch(self, place: Place, content: Any, query: Mapping[str, str], kind: str) -> Answer:
        live = self._objects.at(_key(place))
        manager = query.get("fieldManager", "unknown")
        if kind == APPLY:
            return self._apply(place, live, _complete(place, content), query, manager)
        if live is None:
            return not_found(place)
        if kind == MERGE:
            new: Document = _folded(merged(self._objects.shown(live), content))
        elif kind == JSON_PATCH:
            try:
                new = patched(self._objects.shown(live), content)
            except PatchRefused as error:
                # The same words for a failed test and for any other misfit (apiserver, applyJSPatch).
                message = "the server rejected our request due to an error in our request"
                raise Refusal(status_document(422, "Invalid", message)) from error
        else:
            return status_document(415, "UnsupportedMediaType", f"the twin does not take {kind}")
        return self._written(place, live, new, query, manager)

    def _apply(
        self, place: Place, live: Document | None, wanted: Document, query: Mapping[str, str], manager: str
    ) -> Answer:
        if "managedFields" in wanted["metadata"]:
            message = "metadata.managedFields must be nil"
            return status_document(400, "BadRequest", message)
        if live is None:
            self._must_have_namespace(place)
            new = self._admit(place, None, copied(wanted))
            if _is_dry(query):
                return answered(201, new)
            own = FieldManager(manager, "Apply", frozenset(leaves(wanted)))
            return answered(201, self._shown(self._objects.create(new, manager, (own,)), place))
        had = self._objects.managers.get(live["metadata"]["uid"], ())
        try:
            new, managers = applied(live, wanted, had, manager, force=query.get("force") == "true")
        except FieldConflict as error:
            raise Refusal(fought(error)) from error
        new = self._admit(place, live, new)
        if _is_dry(query):
            return answered(200, self._shown(new, place))
        return answered(200, self._put(place, new, manager, managers=managers))

    def _status(
        self, place: Place, method: str, content: Document, query: Mapping[str, str], kind: str
    ) -> Answer:
        """Server-side apply alone; it creates nothing."""
        if (method, kind) != ("PATCH", APPLY):
            return status_document(405, "MethodNotAllowed", f"the twin does not {method} a status this way")
        live, wanted = self._objects.at(_key(place)), _complete(place, content)
        if live is None:
            return not_found(place)
        uid, manager = live["metadata"]["uid"], query.get("fieldManager", "unknown")
        if wanted["metadata"].get("uid", uid) != uid:
            raise Refusal(changed(place, Changed("the UID in the precondition is another one")))
        had = self._objects.managers.get(uid, ())
        try:
            new, managers = status_applied(live, wanted, had, manager, force=query.get("force") == "true")
        except FieldConflict as error:
            raise Refusal(fought(error)) from error
        except Misshapen as error:
            raise Refusal(misshapen(place, error)) from error
        if _is_dry(query):
            return answered(200, self._shown(new, place))
        return answered(200, self._put(place, new, manager, managers=managers))

    def _written(
        self, place: Place, live: Document, new: Document, query: Mapping[str, str], manager: str
    ) -> Answer:
        was, meta = live["metadata"], new["metadata"]
        wanted = str(meta.get("resourceVersion") or "")
        entries = meta.pop("managedFields", None)
        shown = self._objects.shown(live)["metadata"].get("managedFields", [])
        # An empty list changes nothing; `[{}]` empties it.
        changed = entries is not None and entries != shown and entries != []
        managers = parsed(entries) if changed else None
        meta["resourceVersion"] = was["resourceVersion"]
        new["apiVersion"], new["kind"] = live["apiVersion"], live["kind"]
        new = self._admit(place, live, new)
        if _is_dry(query):
            return answered(200, self._shown(new, place))
        return answered(200, self._put(place, new, manager, managers=managers, version=wanted))

    def _delete(self, place: Place, options: Document) -> Answer:
        wanted = options.get("preconditions") or {}
        version = wanted.get("resourceVersion", "")
        try:
            there = self._objects.delete(_key(place), uid=wanted.get("uid", ""), resource_version=version)
        except Changed as error:
            raise Refusal(changed(place, error)) from error
        if not there:
            return not_found(place)
        left = self._objects.at(_key(place))
        if left is not None:
            return answered(200, self._shown(left, place))
        details = {"name": place.name, "group": place.group, "kind": place.resource.plural}
        success = {"kind": "Status", "apiVersion": "v1", "status": "Success", "details": details}
        return answered(200, success)

    def _put(
        self,
        place: Place,
        new: Document,
        manager: str,
        *,
        managers: tuple[FieldManager, ...] | None = None,
        version: str = "",
    ) -> Document:
        try:
            kept = self._objects.put(new, manager, managers=managers, resource_version=version)
        except Changed as error:
            raise Refusal(changed(place, error)) from error
        return self._shown(kept, place)

    def _admit(self, place: Place, live: Document | None, new: Document) -> Document:
        try:
            return admitted(live, new)
        except Denied as error:
            webhook = f"default.{place.resource.kind.lower()}.{place.group or 'core'}"
            message = f'admission webhook "{webhook}" denied the request: {error}'
            raise Refusal(status_document(422, "Invalid", message, {"name": place.name})) from error

    def _must_have_namespace(self, place: Place) -> None:
        """kube-system and the like are there without an object of their own in a generated world."""
        name = place.namespace
        if not place.resource.namespaced:
            return
        home = self._objects.get("", "Namespace", "", name)
        lived_in = any(d["metadata"].get("namespace") == name for d in self._objects.documents.values())
        if home is None and not lived_in:
            raise Refusal(status_document(404, "NotFound", f'namespaces "{name}" not found', {"name": name}))
        if home is not None and home["metadata"].get("deletionTimestamp"):
            message = f"unable to create new content in namespace {name} because it is being terminated"
            raise Refusal(status_document(403, "Forbidden", f"{place.qualified} is forbidden: {message}"))

    def _shown(self, document: Document, place: Place) -> Document:
        return {**self._objects.shown(document), "apiVersion": place.resource.api_version}


def _key(place: Place) -> tuple[str, str, str, str]:
    return (place.group, place.resource.kind, place.namespace, place.name)


def _complete(place: Place, document: Mapping[str, Any]) -> Document:
    """The document with what its path says. Raises `Refusal` where they contradict each other."""
    new: Document = copied(document)
    new["apiVersion"], new["kind"] = place.resource.api_version, place.resource.kind
    meta = new["metadata"]
    if place.namespace and meta.setdefault("namespace", place.namespace) != place.namespace:
        message = "the namespace of the provided object does not match the namespace sent on the request"
        raise Refusal(status_document(400, "BadRequest", message))
    return _folded(new)


def _folded(document: Document) -> Document:
    """`stringData` of a Secret becomes `data`."""
    if document["kind"] == "Secret" and (plain := document.pop("stringData", None)):
        encoded = {name: base64.b64encode(text.encode()).decode() for name, text in plain.items()}
        document["data"] = (document.get("data") or {}) | encoded
    return document


def _is_dry(query: Mapping[str, str]) -> bool:
    return query.get("dryRun") == "All"
