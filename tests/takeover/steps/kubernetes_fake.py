"""A Kubernetes API in memory, with what a takeover rests on: preconditions, finalizers, garbage collection.

`harm` lists every object that got a deletionTimestamp while it carried a finalizer: its controller would
delete what is behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from replank.domain.errors import Refused
from replank.ports.access import Conflict, Document, ObjectRef
from replank.testbed.simulation.documents import copied

Reaction = Callable[["FakeApi", str, ObjectRef], None]


class FakeApi:
    """`reactions` run after every write, as controllers do. `webhook` changes what is applied."""

    def __init__(self) -> None:
        self.objects: dict[ObjectRef, Document] = {}
        self.writes: list[tuple[str, ObjectRef]] = []
        self.harm: list[str] = []
        self.reactions: list[Reaction] = []
        self.webhook: Callable[[Document], Document] = lambda document: document
        self.documents: dict[str, Document] = {}
        self.unlistable: set[str] = set()
        self._number = 100

    async def get(self, ref: ObjectRef) -> Document | None:
        return copied(self.objects.get(ref))

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        if kind in self.unlistable:
            raise Refused("RP900", f"{kind} cannot be listed", "403", "Ask for the right.")
        found = []
        for ref, document in sorted(self.objects.items(), key=lambda item: (item[0].namespace, item[0].name)):
            there = document["metadata"].get("labels") or {}
            of_kind = (ref.api_version, ref.kind) == (api_version, kind)
            if of_kind and namespace in ("", ref.namespace) and (labels or {}).items() <= there.items():
                found.append(copied(document))
        return tuple(found)

    async def apply(
        self, document: Mapping[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> Document:
        ref = ObjectRef.of(document)
        wanted = self.webhook(copied(dict(document)))
        written = _merged(copied(self.objects.get(ref, {})), wanted)
        entries = written["metadata"].setdefault("managedFields", [])
        if not any(entry["manager"] == "replank" for entry in entries):
            entries.append({"manager": "replank", "operation": "Apply"})
        if dry_run:
            return written
        return self._store("apply", ref, written)

    async def create(self, document: Mapping[str, Any]) -> Document:
        ref = ObjectRef.of(document)
        if ref in self.objects:
            raise Conflict("RP901", f"{ref.name} exists", "409", "Look again.")
        return self._store("create", ref, copied(dict(document)))

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        document = self.objects.get(ref)
        if document is None:
            raise Refused("RP902", f"{ref.kind} {ref.name} cannot be changed", "404", "Look again.")
        self._same_version(document, resource_version)
        return self._store("merge", ref, _patched(copied(document), patch))

    async def json_patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Document:
        document = copied(self.objects[ref])
        for operation in operations:
            field = operation["path"].removeprefix("/metadata/")
            if operation["op"] == "test" and document["metadata"].get(field) != operation["value"]:
                raise Conflict("RP901", f"{ref.name} is another one by now", "test failed", "Look again.")
            if operation["op"] == "replace":
                # Kubernetes: an empty list is ignored, one with an empty entry resets the field.
                entries = list(operation["value"])
                if entries:
                    document["metadata"][field] = [entry for entry in entries if entry]
        return self._store("json-patch", ref, document)

    async def evict(self, ref: ObjectRef, *, uid: str) -> None:
        await self.delete(ref, uid=uid)

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        document = self.objects.get(ref)
        if document is None:
            return False
        if document["metadata"]["uid"] != uid:
            raise Conflict("RP901", f"{ref.name} is another one", "uid", "Look again.")
        self._same_version(document, resource_version)
        self.writes.append(("delete", ref))
        self._delete(ref)
        self._react("delete", ref)
        return True

    async def document(self, path: str) -> Document:
        if path not in self.documents:
            raise Refused("RP903", f"There is nothing at {path}", "404", "Look at the path.")
        return self.documents[path]

    async def ready(self) -> str:
        return ""

    async def whoami(self) -> str:
        return "tester"

    async def works_with(self, kubeconfig: bytes) -> str:
        return ""

    # What tests do behind the takeover's back.

    def put(self, document: Mapping[str, Any]) -> Document:
        """Writes an object as somebody else would."""
        return self._store("", ObjectRef.of(document), copied(dict(document)))

    def change(self, ref: ObjectRef, patch: Mapping[str, Any]) -> None:
        """A merge patch by somebody else."""
        self._store("", ref, _patched(copied(self.objects[ref]), patch))

    def named(self, kind: str) -> list[str]:
        """Names of all objects of a kind."""
        return sorted(ref.name for ref in self.objects if ref.kind == kind)

    def ref(self, key: str) -> ObjectRef:
        """The object `Kind/name`."""
        kind, _, name = key.partition("/")
        return next(ref for ref in self.objects if (ref.kind, ref.name) == (kind, name))

    def __getitem__(self, key: str) -> Document:
        return self.objects[self.ref(key)]

    def _same_version(self, document: Document, resource_version: str) -> None:
        if resource_version and document["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("RP901", f"{document['metadata']['name']} is another one by now", "409", "Again.")

    def _store(self, verb: str, ref: ObjectRef, document: Document) -> Document:
        self._number += 1
        meta = document["metadata"]
        meta.setdefault("uid", f"uid-{ref.kind}-{ref.name}-{self._number}")
        meta.setdefault("generation", 1)
        meta["resourceVersion"] = str(self._number)
        self.objects[ref] = document
        if meta.get("deletionTimestamp") and not meta.get("finalizers"):
            self._gone(ref)
        answer = copied(document)
        if verb:
            self.writes.append((verb, ref))
            self._react(verb, ref)
        return answer

    def _react(self, verb: str, ref: ObjectRef) -> None:
        for reaction in self.reactions:
            reaction(self, verb, ref)

    def _delete(self, ref: ObjectRef) -> None:
        meta = self.objects[ref]["metadata"]
        if meta.get("finalizers"):
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            self.harm.append(f"{ref.kind}/{ref.name}")
        else:
            self._gone(ref)

    def _gone(self, ref: ObjectRef) -> None:
        uid = self.objects.pop(ref)["metadata"]["uid"]
        for other in list(self.objects):
            owners = {owner["uid"] for owner in self.objects[other]["metadata"].get("ownerReferences") or ()}
            if owners == {uid}:
                self._delete(other)


def _merged(there: Document, wanted: Mapping[str, Any]) -> Document:
    for name, value in wanted.items():
        if isinstance(value, Mapping):
            there[name] = _merged(dict(there.get(name) or {}), value)
        else:
            there[name] = value
    return there


def _patched(there: Document, patch: Mapping[str, Any]) -> Document:
    for name, value in patch.items():
        if value is None:
            there.pop(name, None)
        elif isinstance(value, Mapping):
            there[name] = _patched(dict(there.get(name) or {}), value)
        else:
            there[name] = value
    return there


def discovery(kinds: Iterator[tuple[str, str]] | Sequence[tuple[str, str]]) -> dict[str, Document]:
    """Documents below `/apis` and `/api` that serve these (apiVersion, kind)."""
    documents: dict[str, Document] = {"/api/v1": {"resources": []}}
    groups: dict[str, set[str]] = {}
    for version, kind in kinds:
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if "/" in version:
            groups.setdefault(version.partition("/")[0], set()).add(version)
        resource = {
            "name": f"{kind.lower()}s",
            "kind": kind,
            "namespaced": kind not in ("Namespace", "Node"),
            "verbs": ["list", "delete", "get"],
        }
        documents.setdefault(path, {"resources": []})["resources"].append(resource)
    documents["/apis"] = {
        "groups": [
            {
                "name": group,
                "versions": [{"groupVersion": version} for version in sorted(versions)],
                "preferredVersion": {"groupVersion": max(versions)},
            }
            for group, versions in sorted(groups.items())
        ]
    }
    return documents
