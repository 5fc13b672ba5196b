"""Typed reading of one kubeadm document, keeping account of what nobody asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.document import load_mapping

_DURATION_PART: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)", flags=re.ASCII)
_SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def read_mapping(text: str, *, code: str, what: str, where: str) -> dict[str, JSON]:
    """The mapping in a YAML or JSON document that kubeadm wrote. Raises `Refused` with `code`."""
    try:
        return load_mapping(text, code=code, where=where)
    except Refused as error:
        todo = "Look at the document; kubeadm itself could not use it."
        raise Refused(code, f"{what} cannot be read", error.why, todo, where=where) from error


class Fields:
    """One mapping of a document, read field by field; null counts as absent, as in Go.

    A field of another type than expected raises `Refused` RP082, naming its path but not its value.
    """

    def __init__(self, mapping: Mapping[str, JSON], *, where: str, path: str = "") -> None:
        self._mapping = {key: value for key, value in mapping.items() if value is not None}
        self._where = where
        self._path = path
        self._read: set[str] = set()
        self._children: list[Fields] = []

    def _take(self, key: str) -> JSON:
        self._read.add(key)
        return self._mapping.get(key)

    def text(self, key: str, default: str = "") -> str:
        """A text; "" counts as absent."""
        value = self._take(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(key, "a text")
        return value or default

    def boolean(self, key: str) -> bool:
        """A boolean, False where it is absent."""
        value = self._take(key)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return bool(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, in its order."""
        found = []
        for value in self._list(key):
            if not isinstance(value, str):
                raise self.wrong(key, "a list of texts")
            found.append(value)
        return tuple(found)

    def booleans(self, key: str) -> dict[str, bool]:
        """A mapping to booleans, sorted by key."""
        found = {}
        for name, value in sorted(self.raw_mapping(key).items()):
            if not isinstance(value, bool):
                raise self.wrong(f"{key}.{name}", "true or false")
            found[name] = value
        return found

    def seconds(self, key: str) -> int | None:
        """A Go duration (`4m0s`) in seconds, rounded up; None where it is absent."""
        text = self.text(key)
        if not text:
            return None
        if text in ("0", "+0", "-0"):
            return 0
        if not re.fullmatch(f"(?:{_DURATION_PART.pattern})+", text, flags=re.ASCII):
            raise self.wrong(key, "a duration like 4m0s")
        total = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))
        return math.ceil(round(total, 6))

    def child(self, key: str) -> Fields:
        """The mapping below `key`, empty where it is absent."""
        return self._below(self.raw_mapping(key), key)

    def has(self, key: str) -> bool:
        """True if `key` stands here, even as an empty mapping."""
        return key in self._mapping

    def children(self, key: str) -> list[Fields]:
        """A list of mappings, in its order."""
        found = []
        for index, value in enumerate(self._list(key)):
            if not isinstance(value, dict):
                raise self.wrong(key, "a list of mappings")
            found.append(self._below(value, f"{key}[{index}]"))
        return found

    def is_list(self, key: str) -> bool:
        """True if a list stands at `key`."""
        return isinstance(self._mapping.get(key), list)

    def raw_mapping(self, key: str) -> dict[str, JSON]:
        """The mapping at `key` as it is."""
        value = self._take(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(key, "a mapping")
        return value

    def unread(self) -> tuple[str, ...]:
        """Paths of the fields that nobody asked for, sorted."""
        own = [f"{self._path}{key}" for key in self._mapping if key not in self._read]
        return tuple(sorted(own + [path for child in self._children for path in child.unread()]))

    def wrong(self, key: str, expected: str) -> Refused:
        """The error for a field of another type."""
        return Refused(
            "RP082",
            "A field of a kubeadm document has another type than kubeadm writes",
            f"`{self._path}{key}` is not {expected}",
            "Correct the document; kubeadm itself could not read it at the next upgrade.",
            where=self._where,
        )

    def _list(self, key: str) -> list[JSON]:
        value = self._take(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def _below(self, mapping: Mapping[str, JSON], name: str) -> Fields:
        child = Fields(mapping, where=self._where, path=f"{self._path}{name}.")
        self._children.append(child)
        return child
