"""Where two JSON values differ, path by path."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Absent(Enum):
    """Marks a place that one side does not have; `null` is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
_LONGEST: Final = 100
_TELLING: Final = ("name", "id", "machine", "address", "path", "setting", "kind")
"""Keys that may tell the items of a sequence apart, best first."""


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
    """All differences: mappings by key, sequences by what tells their items apart, else by place.

    Yields nothing exactly if both are equal. Items that only stand in another order give one change, with
    path `<path> order`.
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
    if all(isinstance(item, str) for item in (*before, *after)):
        yield from _texts(before, after, path)
        return
    key = _telling_key(before, after)
    if key is not None:
        yield from _named(before, after, path, key)
        return
    for index in range(max(len(before), len(after))):
        old = before[index] if index < len(before) else ABSENT
        new = after[index] if index < len(after) else ABSENT
        if old is ABSENT or new is ABSENT:
            yield JsonChange(f"{path}[{index}]", old, new)
        else:
            yield from json_changes(old, new, f"{path}[{index}]")


def _texts(before: Sequence[str], after: Sequence[str], path: str) -> Iterator[JsonChange]:
    """Texts come and go; where one stands matters only if nothing else differs."""
    old, new = Counter(before), Counter(after)
    for text in (old - new).elements():
        yield JsonChange(path, text, ABSENT)
    for text in (new - old).elements():
        yield JsonChange(path, ABSENT, text)
    if old == new and list(before) != list(after):
        yield JsonChange(f"{path} order", list(before), list(after))


def _named(before: Sequence[Any], after: Sequence[Any], path: str, key: str) -> Iterator[JsonChange]:
    old, new = ({item[key]: item for item in items} for items in (before, after))
    for name in dict.fromkeys((*old, *new)):
        inner = f"{path}[{name}]"
        if name not in old or name not in new:
            yield JsonChange(inner, old.get(name, ABSENT), new.get(name, ABSENT))
        else:
            yield from json_changes(old[name], new[name], inner)
    if [name for name in old if name in new] != [name for name in new if name in old]:
        yield JsonChange(f"{path} order", list(old), list(new))


def _telling_key(before: Sequence[Any], after: Sequence[Any]) -> str | None:
    """A key by which every item of both sequences can be told from its siblings."""
    for key in _TELLING:
        for items in (before, after):
            names = [item.get(key) if isinstance(item, Mapping) else None for item in items]
            if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
                break
        else:
            return key
    return None
