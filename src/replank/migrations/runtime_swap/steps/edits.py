"""Planned edits on a live object: where they stand, and the patch that makes them. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from replank.plan.runtime_swap import PlannedEdit
from replank.ports.access import Document

Way = Literal["forth", "back"]
Places = Mapping[str, int]
"""An edit that takes an argument out (`place_key`) -> where in its list it stood."""


def fits(document: Document, edit: PlannedEdit) -> bool:
    """Whether the value is what the edit finds or what it makes, and nobody else's."""
    return stands(document, edit, "forth") or stands(document, edit, "back")


def stands(document: Document, edit: PlannedEdit, way: Way) -> bool:
    """Whether the value is as it shall be: as the edit makes it (`forth`), or as it was (`back`)."""
    wanted = edit.becomes if way == "forth" else edit.was
    values = _values(document, edit)
    return values == ([wanted] if wanted else [])


def edited(document: Document, edits: Sequence[PlannedEdit], way: Way, places: Places) -> Document:
    """A copy with all of them, which must `fits`."""
    result = copy.deepcopy(document)
    # Taking out and putting in again go opposite ways, so that places count what is there.
    for edit in edits if way == "forth" else reversed(edits):
        if not stands(result, edit, way):
            _make(result, edit, way, places)
    return result


def patch(document: Document, wanted: Document, edits: Sequence[PlannedEdit]) -> list[dict[str, Any]]:
    """The JSON patch from `document` to `wanted`, good for exactly that version of it; [] = no difference."""
    changed: list[dict[str, Any]] = []
    for at in dict.fromkeys(_whole(edit) for edit in edits):
        now, then = _at(document, at), _at(wanted, at)
        if now == then:
            continue
        # `add` of a member that is there replaces it (RFC 6902, 4.1).
        changed.append(
            {"op": "remove", "path": at} if then is None else {"op": "add", "path": at, "value": then}
        )
    if not changed:
        return []
    version = document["metadata"]["resourceVersion"]
    return [{"op": "test", "path": "/metadata/resourceVersion", "value": version}, *changed]


def places_of(document: Document, edits: Sequence[PlannedEdit]) -> dict[str, int]:
    """Where arguments stand that edits take out, as each finds it."""
    found, here = {}, copy.deepcopy(document)
    for edit in edits:
        if edit.argument and not edit.becomes and _values(here, edit):
            found[place_key(edit)] = _index(_at(here, edit.at), edit.argument)
        if fits(here, edit) and not stands(here, edit, "forth"):
            _make(here, edit, "forth", {})
    return found


def place_key(edit: PlannedEdit) -> str:
    """What an edit is called in `Places`."""
    return f"{edit.object} {edit.at} {edit.argument}"


def _values(document: Document, edit: PlannedEdit) -> list[str]:
    """All that there are: an argument may be given twice, which is nobody's plan."""
    value = _at(document, edit.at)
    if not edit.argument:
        return [value] if isinstance(value, str) and value else []
    entries = value if isinstance(value, list) else []
    return [str(e.get("value") or "") for e in entries if e.get("name") == edit.argument]


def _make(document: Document, edit: PlannedEdit, way: Way, places: Places) -> None:
    wanted = edit.becomes if way == "forth" else edit.was
    *path, last = _parts(edit.at)
    if not edit.argument:
        _child(document, path)[last] = wanted
        return
    entries = _child(document, path).setdefault(last, [])
    if not wanted:
        del entries[_index(entries, edit.argument)]
        if not entries:
            _prune(document, [*path, last])
    elif edit.becomes:
        entries[_index(entries, edit.argument)]["value"] = wanted
    else:
        entry = {"name": edit.argument, "value": wanted}
        entries.insert(places.get(place_key(edit), len(entries)), entry)


def _child(document: Document, path: Sequence[str]) -> Document:
    found: Any = document
    for part in path:
        found = found.setdefault(part, {})
    return found if isinstance(found, dict) else {}


def _prune(document: Document, path: Sequence[str]) -> None:
    """Empty lists and objects go: the schema wants at least one entry in them (cluster-api v1.14.0,
    api/bootstrap/kubeadm/v1beta2, MinItems and MinProperties). Never further up than `initConfiguration` or
    `joinConfiguration`."""
    for length in range(len(path), len(path) - 3, -1):
        parent = _child(document, path[: length - 1])
        if parent.get(path[length - 1]):
            return
        parent.pop(path[length - 1], None)


def _whole(edit: PlannedEdit) -> str:
    """What is patched: of an argument the whole initConfiguration or joinConfiguration, which may come to
    nothing, or come back."""
    return edit.at.rpartition("/nodeRegistration/")[0] or edit.at


def _index(entries: list[Any], argument: str) -> int:
    return next(i for i, entry in enumerate(entries) if entry.get("name") == argument)


def _at(document: Document, pointer: str) -> Any:
    found: Any = document
    for part in _parts(pointer):
        if not isinstance(found, Mapping):
            return None
        found = found.get(part)
    return found


def _parts(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
