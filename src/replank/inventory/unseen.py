"""Everything in a snapshot that could not be seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass

from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.runtimes import NOT_ASKED


@dataclass(frozen=True, slots=True, order=True)
class Unseen:
    """One unknown fact. `path`: where it stands, as `kubernetes.nodes` or `hosts[cp-1].etcd`."""

    path: str
    why: str
    code: str


def unseen_sources(snapshot: Snapshot) -> tuple[Unseen, ...]:
    """All unknown facts of a snapshot, in the order of its fields; what nobody asked for is none."""
    return tuple(_walk(snapshot, ""))


def _walk(value: object, path: str) -> Iterator[Unseen]:
    if value == NOT_ASKED:
        return
    if isinstance(value, Unknown):
        yield Unseen(path, value.unknown, value.code)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _walk(getattr(value, field.name), f"{path}.{field.name}" if path else field.name)
    elif isinstance(value, tuple):
        for item in value:
            keys = ("server", "node", "name", "id")
            name = next((getattr(item, key) for key in keys if hasattr(item, key)), "")
            yield from _walk(item, f"{path}[{name}]")
