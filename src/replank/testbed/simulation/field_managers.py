"""Who owns which field of an object: the part of server-side apply that a takeover can meet.

Lists are atomic here, as nearly all lists of Cluster API and CAPO are. Status is left out: controllers write
it through its own subresource (`status_apply.py`). Source: kubernetes.io "Server-Side Apply" (conflicts,
removal of fields, and that `[{}]` empties managedFields while an empty list changes nothing).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from replank.testbed.simulation.documents import Document, copied, packed, plain, unpacked

Path = tuple[str, ...]
_NOT_OWNED = ("apiVersion", "kind", "status")
_SET_BY_SERVER = (
    *("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
    *("managedFields", "deletionTimestamp", "deletionGracePeriodSeconds"),
)


@dataclass(frozen=True, slots=True)
class FieldManager:
    """One entry of managedFields. `subresource`: `status`, "" = the object itself."""

    name: str
    operation: Literal["Apply", "Update"]
    paths: frozenset[Path]
    subresource: str = ""


class FieldConflict(Exception):
    """Another manager owns a field that an apply would change."""

    def __init__(self, manager: str, path: Path) -> None:
        super().__init__(manager, path)
        self.manager = manager
        self.path = path


def leaves(document: Mapping[str, Any], under: Path = ()) -> dict[Path, Any]:
    """Every field that somebody can own, with its value. `under`: where `document` stands in its object."""
    return dict(_leaves(document, under))


def _leaves(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key, item in value.items():
        if (not path and key in _NOT_OWNED) or (path == ("metadata",) and key in _SET_BY_SERVER):
            continue
        here = (*path, key)
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, here)
        else:
            yield here, item


def applied(
    live: Document, wanted: Mapping[str, Any], managers: Iterable[FieldManager], name: str, *, force: bool
) -> tuple[Document, tuple[FieldManager, ...]]:
    """The object after manager `name` applied `wanted`, and who owns what then. Raises `FieldConflict`."""
    return merged_fields(live, leaves(wanted), leaves(live), managers, name, force=force)


def merged_fields(
    live: Document,
    fields: Mapping[Path, Any],
    has: Mapping[Path, Any],
    managers: Iterable[FieldManager],
    name: str,
    *,
    force: bool,
    subresource: str = "",
) -> tuple[Document, tuple[FieldManager, ...]]:
    """As `applied`, for fields that are known already: `fields` wanted, `has` there."""
    others, mine = [], frozenset[Path]()
    for manager in managers:
        if (manager.name, manager.operation, manager.subresource) == (name, "Apply", subresource):
            mine = manager.paths
        else:
            others.append(manager)
    taken = {path for path, value in fields.items() if path in has and has[path] != value}
    kept: list[FieldManager] = []
    for manager in others:
        fought = manager.paths & taken if manager.name != name else frozenset()
        if fought and not force:
            raise FieldConflict(manager.name, min(fought))
        left = manager.paths - fought
        kept.append(FieldManager(manager.name, manager.operation, left, manager.subresource))
    result: Document = copied(live)
    for path in mine - fields.keys():
        if not any(path in manager.paths for manager in kept):
            _remove(result, path)
    for path, value in fields.items():
        _put(result, path, value)
    own = FieldManager(name, "Apply", frozenset(fields), subresource)
    return result, (*(m for m in kept if m.paths), own)


def updated(
    old: Mapping[str, Any], new: Mapping[str, Any], managers: Iterable[FieldManager], name: str
) -> tuple[FieldManager, ...]:
    """Who owns what after `name` wrote `new` in place of `old` with an update or a patch."""
    before, after = leaves(old), leaves(new)
    changed = frozenset(p for p, value in after.items() if p not in before or before[p] != value)
    kept: list[FieldManager] = []
    mine = frozenset[Path]()
    for manager in managers:
        if manager.subresource:
            kept.append(manager)
            continue
        left = frozenset(path for path in manager.paths if path in after)
        if manager.name == name and manager.operation == "Update":
            mine = left
        else:
            kept.append(FieldManager(manager.name, manager.operation, left - changed))
    own = (FieldManager(name, "Update", mine | changed),) if mine | changed else ()
    return (*(m for m in kept if m.paths), *own)


def rendered(managers: tuple[FieldManager, ...], api_version: str) -> list[Document]:
    """As metadata.managedFields shows it; a copy for each caller."""
    found: list[Document] = unpacked(_rendered(managers, api_version))
    return found


@lru_cache(maxsize=4096)
def _rendered(managers: tuple[FieldManager, ...], api_version: str) -> bytes:
    """Packed: objects are read much more often than they get another writer."""
    found = []
    for manager in managers:
        fields: Document = {}
        for path in sorted(manager.paths):
            at = fields
            for part in path:
                # `k:{...}` is an item of a list that is a map.
                at = at.setdefault(part if part.startswith("k:") else f"f:{part}", {})
        found.append(
            {
                "manager": manager.name,
                "operation": manager.operation,
                "apiVersion": api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": fields,
                **({"subresource": manager.subresource} if manager.subresource else {}),
            }
        )
    return packed(found)


def parsed(entries: Iterable[Mapping[str, Any]]) -> tuple[FieldManager, ...]:
    """From metadata.managedFields. Entries of nobody (`{}`) count for nothing."""
    return tuple(
        FieldManager(
            e["manager"],
            e["operation"],
            frozenset(_paths(e["fieldsV1"], ())),
            e.get("subresource", ""),
        )
        for e in entries
        if e.get("manager")
    )


def _paths(fields: Mapping[str, Any], path: Path) -> Iterator[Path]:
    for key, item in fields.items():
        here = (*path, key.removeprefix("f:"))
        if item:
            yield from _paths(item, here)
        else:
            yield here


def _put(document: Document, path: Path, value: Any) -> None:
    for part in path[:-1]:
        inner = document.get(part)
        if not isinstance(inner, dict):
            inner = document[part] = {}
        document = inner
    document[path[-1]] = plain(value)


def _remove(document: Document, path: Path) -> None:
    for part in path[:-1]:
        document = document.get(part) or {}
    document.pop(path[-1], None)
