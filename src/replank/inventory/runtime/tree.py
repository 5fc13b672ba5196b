"""Nested tables as paths and values, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from replank.inventory.facts.json_value import JSON

Path = tuple[str, ...]
Table = dict[str, Any]


def leaves(tree: Mapping[str, JSON], prefix: Path = ()) -> Iterator[tuple[Path, JSON]]:
    """Every value that is no table, with its path, in the tables' own order. An empty table has none."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*prefix, key))
        else:
            yield (*prefix, key), value


def at(tree: Mapping[str, JSON], path: Path) -> JSON:
    """The value or table at `path`; None if there is nothing."""
    here: JSON = dict(tree)
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return None
        here = here[key]
    return here


def put(tree: Table, path: Path, value: JSON) -> None:
    """Sets `path` in place, making tables on the way (a value that stands in the way gives way)."""
    here = tree
    for key in path[:-1]:
        inner = here.get(key)
        if not isinstance(inner, dict):
            inner = {}
            here[key] = inner
        here = inner
    here[path[-1]] = value


def grown(pairs: Iterator[tuple[Path, JSON]] | list[tuple[Path, JSON]]) -> Table:
    """The tree of these paths and values."""
    tree: Table = {}
    for path, value in pairs:
        put(tree, path, value)
    return tree


def dotted(path: Path) -> str:
    """A path as TOML writes it: `plugins."io.containerd.cri.v1.runtime".enable_selinux`."""
    return ".".join(key if key.replace("_", "").replace("-", "").isalnum() else f'"{key}"' for key in path)
