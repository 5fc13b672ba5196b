"""The port `KubeApi` on an API server in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from replank.domain.errors import Refused
from replank.ports.access import Conflict, ObjectRef
from replank.ports.receipts import receipt
from replank.testbed.serve.kubernetes.store import ObjectStore
from replank.testbed.simulation.documents import Document, PatchRefused, merged, patched, plain
from replank.testbed.simulation.field_managers import FieldConflict, FieldManager, applied, leaves, parsed
from replank.testbed.simulation.labels import matches
from replank.testbed.simulation.objects import Changed, Key, Objects, group_of, key_of
from replank.testbed.simulation.webhooks import Denied, admitted
from replank.testbed.world import ApiServer

MANAGER = "replank"
_CLUSTER_WIDE = (
    "Namespace",
    "Node",
    "PersistentVolume",
    "CustomResourceDefinition",
    "OpenStackClusterIdentity",
)


def key(ref: ObjectRef) -> Key:
    """Where a reference points; versions of one group are one object."""
    return (group_of(ref.api_version), ref.kind, ref.namespace, ref.name)


class SimulatedKube:
    """`served`: what the version and discovery paths answer from. `lets_in`: "" where a kubeconfig is let in,
    else why not.
    """

    def __init__(
        self, objects: Objects, served: ApiServer, lets_in: Callable[[bytes], str] = lambda _: "not asked"
    ) -> None:
        self._objects = objects
        self._served = served
        self._lets_in = lets_in
        self._listing: ObjectStore | None = None
        self._listed_at = (-1, -1)

    async def get(self, ref: ObjectRef) -> Document | None:
        found = self._objects.at(key(ref))
        return self._as(found, ref.api_version) if found is not None else None

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        found = [
            document
            for document in self._objects.all(kind, namespace, group_of(api_version))
            if matches(document, labels or {})
        ]
        found.sort(key=lambda d: (d["metadata"].get("namespace", ""), d["metadata"]["name"]))
        return tuple(self._as(document, api_version) for document in found)

    async def apply(
        self, document: Mapping[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> Document:
        place = key_of(document)
        self._may_stand(place)
        live = self._objects.at(place)
        if live is None:
            new = self._admit(None, _secret_data(plain(document)))
            if dry_run:
                return new
            own = FieldManager(MANAGER, "Apply", frozenset(leaves(_secret_data(plain(document)))))
            return self._shown(self._objects.create(new, MANAGER, (own,)), "apply")
        try:
            had = self._objects.managers.get(live["metadata"].get("uid", ""), ())
            new, managers = applied(live, _secret_data(plain(document)), had, MANAGER, force=force)
        except FieldConflict as error:
            raise Refused(
                "RP000",
                f"{place[1]} {place[3]} cannot be applied",
                f"{'.'.join(error.path)} belongs to {error.manager}",
                "Decide whose it is.",
            ) from error
        new = self._admit(live, new)
        if dry_run:
            return new
        return self._shown(self._put(new, managers=managers), "apply")

    async def create(self, document: Mapping[str, Any]) -> Document:
        place = key_of(document)
        self._may_stand(place)
        if self._objects.at(place) is not None:
            _conflict(Changed(f"{place[1]} {place[3]} already exists"))
        new = self._admit(None, _secret_data(plain(document)))
        return self._shown(self._objects.create(new, MANAGER), "create")

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        live = self._live(ref)
        new: Document = _secret_data(merged(live, patch))
        return self._written(live, new, resource_version, "merge")

    async def json_patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Document:
        live = self._live(ref)
        try:
            new = patched(self._objects.shown(live), operations)
        except PatchRefused as error:
            if error.test:
                _conflict(error)
            raise Refused(
                "RP000", f"JSON patch of {ref.kind} {ref.name}", str(error), "Report it."
            ) from error
        return self._written(live, new, "", "patch")

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        receipt(f"DELETE {ref.kind}/{ref.name}")
        try:
            return self._objects.delete(key(ref), uid=uid, resource_version=resource_version)
        except Changed as error:
            _conflict(error)

    async def evict(self, ref: ObjectRef, *, uid: str) -> None:
        """No budget stands in these worlds."""
        await self.delete(ref, uid=uid)

    async def log(self, pod: ObjectRef, *, last_lines: int = 0, most_bytes: int = 0) -> str:  # noqa: ARG002
        """No container runs in these worlds."""
        raise Refused(
            "RP903", f"The log of {pod.name}", "its container is waiting to start", "Look at the pod."
        )

    async def document(self, path: str) -> Document:
        bare, _, query = path.partition("?")
        arguments = dict(part.partition("=")[::2] for part in query.split("&") if part)
        answer = self._answers().answer(bare, arguments, "application/json")
        document: Document = json.loads(answer.body)
        if answer.status != 200:
            raise Refused("RP000", f"GET {bare}", str(document.get("message")), "Look at the path.")
        return document

    def _answers(self) -> ObjectStore:
        """Built anew once something was written: who lists every kind asks many times in between."""
        now = (self._objects.writes, len(self._objects.documents))
        if self._listing is None or self._listed_at != now:
            self._served.objects = list(self._objects.documents.values())
            self._listing, self._listed_at = ObjectStore(self._served), now
        return self._listing

    async def ready(self) -> str:
        return ""

    async def whoami(self) -> str:
        return "kubernetes-admin"

    async def works_with(self, kubeconfig: bytes) -> str:
        return self._lets_in(kubeconfig)

    def _written(self, live: Document, new: Document, version: str, verb: str) -> Document:
        for part in ("apiVersion", "kind"):
            new[part] = live[part]
        meta = new["metadata"]
        version = version or (meta["resourceVersion"] if meta["resourceVersion"] != _rv(live) else "")
        entries = meta.pop("managedFields", None)
        managers = None
        shown = self._objects.shown(live)["metadata"].get("managedFields", [])
        if entries is not None and entries != shown and entries != []:
            managers = parsed(entries)
        meta["resourceVersion"] = _rv(live)
        return self._shown(self._put(self._admit(live, new), version=version, managers=managers), verb)

    def _put(
        self, new: Document, *, version: str = "", managers: tuple[FieldManager, ...] | None = None
    ) -> Document:
        try:
            return self._objects.put(new, MANAGER, resource_version=version, managers=managers)
        except Changed as error:
            _conflict(error)

    def _admit(self, live: Document | None, new: Document) -> Document:
        try:
            return admitted(live, new)
        except Denied as error:
            raise Refused(
                "RP000", f"{new['kind']} {new['metadata']['name']} is not taken", str(error), "Plan again."
            ) from error

    def _live(self, ref: ObjectRef) -> Document:
        live = self._objects.at(key(ref))
        if live is None:
            raise Refused(
                "RP000", f"{ref.kind} {ref.name}", "there is no such object", "Look who removed it."
            )
        return live

    def _may_stand(self, place: Key) -> None:
        _, kind, namespace, name = place
        if not namespace:
            if kind not in _CLUSTER_WIDE:
                raise Refused("RP000", f"{kind} {name}", "it needs a namespace", "Give it one.")
            return
        home = self._objects.get("", "Namespace", "", namespace)
        if home is None or home["metadata"].get("deletionTimestamp"):
            state = "is being deleted" if home else "is not there"
            raise Refused("RP000", f"{kind} {name}", f"namespace {namespace} {state}", "Make the namespace.")

    def _as(self, document: Document, api_version: str) -> Document:
        shown = self._objects.shown(document)
        shown["apiVersion"] = api_version
        return shown

    def _shown(self, document: Document, verb: str) -> Document:
        receipt(f"{verb.upper()} {document['kind']}/{document['metadata']['name']}")
        return self._objects.shown(document)


def _rv(document: Document) -> str:
    version: str = document["metadata"]["resourceVersion"]
    return version


def _secret_data(document: Document) -> Document:
    """`stringData` of a Secret becomes `data`, as the server does it."""
    if document["kind"] == "Secret" and (plain := document.pop("stringData", None)):
        data = document.setdefault("data", {})
        data |= {name: base64.b64encode(text.encode()).decode() for name, text in plain.items()}
    return document


def _conflict(error: Exception) -> NoReturn:
    raise Conflict("RP000", "Somebody else wrote", str(error), "Look again.") from error
