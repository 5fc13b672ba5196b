"""The objects of one Kubernetes API server, and the rules by which they come, change and go.

Stored documents are never changed in place: a write puts a new document in the old one's stead. So a shallow
copy of the table is a view of the past, which is how stale caches are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from replank.testbed.simulation.documents import Document, copied, plain
from replank.testbed.simulation.field_managers import FieldManager, rendered, updated

Key = tuple[str, str, str, str]
"""API group ("" = core), kind, namespace ("" = none), name."""
Observer = Callable[[Document | None, Document | None], None]


class Changed(Exception):
    """409: the object is another one, or another version of it, by now; or it exists already."""


def key_of(document: Mapping[str, Any]) -> Key:
    """Where a document stands."""
    meta = document["metadata"]
    return (group_of(document["apiVersion"]), document["kind"], meta.get("namespace", ""), meta["name"])


def group_of(api_version: str) -> str:
    """`apps` of `apps/v1`, "" of `v1`."""
    return api_version.rpartition("/")[0]


def stamp(now: float) -> str:
    """A moment as Kubernetes writes it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Objects:
    """`name`: for traces. `now`: virtual time. `observers`: called with (before, after) of every write.

    `gone`: uids of removed objects that the garbage collector has not looked at yet. `writes`: how many there
    were: controllers look again when it has changed.
    """

    name: str
    now: Callable[[], float]
    documents: dict[Key, Document] = field(default_factory=dict)
    managers: dict[str, tuple[FieldManager, ...]] = field(default_factory=dict)
    observers: list[Observer] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    writes: int = 0
    _minted: int = 0
    _version: int = 200_000
    _indexed: tuple[int, int] = (-1, -1)
    _by_kind: dict[str, list[Key]] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, documents: Sequence[Document], now: Callable[[], float]) -> Objects:
        """With objects that were there before anybody looked."""
        store = cls(name, now)
        for document in documents:
            store.documents[key_of(document)] = document
        return store

    def get(self, group: str, kind: str, namespace: str, name: str) -> Document | None:
        """The stored document: not to be changed."""
        return self.documents.get((group, kind, namespace, name))

    def at(self, key: Key) -> Document | None:
        """As `get`, by key."""
        return self.documents.get(key)

    def all(self, kind: str, namespace: str = "", group: str | None = None) -> Iterator[Document]:
        """Stored documents of a kind; not to be changed."""
        now = (self.writes, len(self.documents))
        if self._indexed != now:
            self._indexed, self._by_kind = now, {}
            for key in self.documents:
                self._by_kind.setdefault(key[1], []).append(key)
        for key in self._by_kind.get(kind, []):
            document = self.documents.get(key)
            wanted = (not namespace or key[2] == namespace) and (group is None or key[0] == group)
            if document is not None and wanted:
                yield document

    def shown(self, document: Document) -> Document:
        """A copy as a client reads it, with managedFields."""
        meta = document["metadata"]
        managers = self.managers.get(meta["uid"]) if "uid" in meta else None
        result: Document = copied(document)
        if managers:
            result["metadata"]["managedFields"] = rendered(managers, document["apiVersion"])
        return result

    def create(
        self, document: Mapping[str, Any], manager: str, managers: tuple[FieldManager, ...] | None = None
    ) -> Document:
        """Raises `Changed` where it exists."""
        new: Document = plain(document)
        key = key_of(new)
        if key in self.documents:
            raise Changed(f"{key[1]} {key[3]} already exists")
        meta = new["metadata"]
        meta.pop("managedFields", None)
        self._minted += 1
        meta["uid"] = f"5e000000-0000-4000-8000-{self._minted:012x}"
        meta["creationTimestamp"] = stamp(self.now())
        meta["generation"] = 1
        meta["resourceVersion"] = self._next()
        self.managers[meta["uid"]] = managers or updated({}, new, (), manager)
        self.documents[key] = new
        self._told(None, new)
        return new

    def put(
        self,
        new: Document,
        manager: str,
        *,
        resource_version: str = "",
        managers: tuple[FieldManager, ...] | None = None,
    ) -> Document:
        """Writes `new` over the object of its place. Nothing happens where nothing differs.

        `managers`: who owns the fields then; None = as an update by `manager` leaves it. The last finalizer
        taken from a deleted object removes it. Raises `Changed` for another uid or version, or none at all.
        """
        key = key_of(new)
        old = self.documents.get(key)
        if old is None:
            raise Changed(f"{key[1]} {key[3]} is gone")
        uid, version = old["metadata"]["uid"], old["metadata"]["resourceVersion"]
        if new["metadata"].get("uid", uid) != uid or (resource_version and resource_version != version):
            raise Changed(f"{key[1]} {key[3]}: the object has been modified")
        had = self.managers.get(uid, ())
        has = managers if managers is not None else updated(old, new, had, manager)
        if old == new and set(had) == set(has):
            return old
        new["metadata"]["uid"] = uid
        new["metadata"]["resourceVersion"] = self._next()
        if any(old.get(part) != new.get(part) for part in ("spec", "data", "stringData")):
            new["metadata"]["generation"] = old["metadata"].get("generation", 1) + 1
        self.managers[uid] = has
        if new["metadata"].get("deletionTimestamp") and not new["metadata"].get("finalizers"):
            self._remove(key, new)
            return new
        self.documents[key] = new
        self._told(old, new)
        return new

    def delete(self, key: Key, *, uid: str = "", resource_version: str = "") -> bool:
        """Removes it, or stamps it where finalizers hold it. False where there is none. Raises `Changed`."""
        old = self.documents.get(key)
        if old is None:
            return False
        meta = old["metadata"]
        if (uid and uid != meta["uid"]) or (resource_version and resource_version != meta["resourceVersion"]):
            raise Changed(f"{key[1]} {key[3]}: precondition failed")
        if not meta.get("finalizers"):
            self._remove(key, old)
        elif not meta.get("deletionTimestamp"):
            new: Document = copied(old)
            new["metadata"]["deletionTimestamp"] = stamp(self.now())
            new["metadata"]["resourceVersion"] = self._next()
            self.documents[key] = new
            self._told(old, new)
        return True

    def _remove(self, key: Key, old: Document) -> None:
        del self.documents[key]
        self.managers.pop(old["metadata"]["uid"], None)
        self.gone.add(old["metadata"]["uid"])
        self._next()
        self._told(old, None)

    def _next(self) -> str:
        self._version += 1
        self.writes += 1
        return str(self._version)

    def _told(self, old: Document | None, new: Document | None) -> None:
        for observer in self.observers:
            observer(old, new)
