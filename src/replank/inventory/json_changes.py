"""Where two JSON values differ, path by path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Absent(Enum):
    """Marks a place that one side does not have; `null` is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class JsonChange:
    """One difference. `path`: `spec.ports[0].network.id`; "" for the value itself."""

    path: str
    before: Any
    after: Any

    @property
    def says(self) -> str:
        """`path: before -> after`, `path added: after` or `path removed: before`."""
        if self.before is ABSENT:
            return f"{self.path} added: {shown(self.after)}"
        if self.after is ABSENT:
            return f"{self.path} removed: {shown(self.before)}"
        return f"{self.path}: {shown(self.before)} -> {shown(self.after)}".removeprefix(": ")


def shown(value: object) -> str:
    """A value in one line: texts bare, "" and null as `nothing`, long ones cut with their length told."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, str):
        text = value if "\n" not in value else json.dumps(value, ensure_ascii=False)
    else:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def json_changes(before: Any, after: Any, path: str = "") -> Iterator[JsonChange]:
    """All differences: mappings by key, sequences by `name` if their items have unique ones, else by place.

    Yields nothing exactly if both are equal. Named items that only stand in another order give one change,
    with path `<path> order`.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(before, after, path)
    elif _is_list(before) and _is_list(after):
        yield from _lists(before, after, path)
    elif not same(before, after):
        yield JsonChange(path, before, after)


def same(before: object, after: object) -> bool:
    """Equality of JSON: 1 and true are two values, and so are 1 and 1.0."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(same(before[key], after[key]) for key in before)
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    return type(before) is type(after) and before == after


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _mappings(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[JsonChange]:
    for key in sorted(before.keys() | after.keys()):
        inner = f"{path}.{key}" if path else key
        if key not in before:
            yield JsonChange(inner, ABSENT, after[key])
        elif key not in after:
            yield JsonChange(inner, before[key], ABSENT)
        else:
            yield from json_changes(before[key], after[key], inner)


def _lists(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[JsonChange]:
    names, new_names = _names(before), _names(after)
    if names is not None and new_names is not None:
        by_name = dict(zip(names, before, strict=True))
        new_by_name = dict(zip(new_names, after, strict=True))
        for name in dict.fromkeys((*names, *new_names)):
            old, new = by_name.get(name, ABSENT), new_by_name.get(name, ABSENT)
            inner = f"{path}[{name}]"
            if old is ABSENT or new is ABSENT:
                yield JsonChange(inner, old, new)
            else:
                yield from json_changes(old, new, inner)
        if [n for n in names if n in new_by_name] != [n for n in new_names if n in by_name]:
            yield JsonChange(f"{path} order", names, new_names)
        return
    for index in range(max(len(before), len(after))):
        old = before[index] if index < len(before) else ABSENT
        new = after[index] if index < len(after) else ABSENT
        if old is ABSENT or new is ABSENT:
            yield JsonChange(f"{path}[{index}]", old, new)
        else:
            yield from json_changes(old, new, f"{path}[{index}]")


def _names(items: Sequence[Any]) -> list[str] | None:
    """The items' names, if all have one and no two the same."""
    names = [item.get("name") for item in items if isinstance(item, Mapping)]
    if not names or len(names) != len(items) or not all(isinstance(name, str) for name in names):
        return None
    return [str(name) for name in names] if len(set(names)) == len(names) else None
