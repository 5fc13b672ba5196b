"""What changed between two snapshots of one cluster, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import PodFact
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.json_changes import json_changes, shown
from replank.inventory.runtime.runtimes import NOT_ASKED
from replank.inventory.snapshot_words import Noun, called, field_words, noun_of, value_words


@dataclass(frozen=True, slots=True)
class SnapshotChange:
    """One change. `area`: the source it was seen in; `subject`: the thing, "" for the source itself."""

    area: str
    subject: str
    says: str


_AREAS = {
    "cluster": "Snapshot",
    "schema": "Snapshot",
    "terraform": "Terraform",
    "infrastructure": "OpenStack",
    "kubernetes": "Kubernetes",
    "hosts": "Machines by SSH",
    "management": "Management cluster",
    "machines": "Machines and roles",
    "conflicts": "Machines and roles",
    "runtimes": "Container runtimes",
}
_SOURCES = tuple(
    (field_words(name),) for name in ("terraform", "openstack", "kubernetes", "management", "runtimes")
)
_UNNAMED = {"infrastructure"}
"""Only a fold around the clouds."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the comparison stands. `words`: what it looks at below the subject, outermost first."""

    area: str
    subject: str = ""
    words: tuple[str, ...] = ()

    def at(self, word: str) -> _Place:
        return replace(self, words=(*self.words, word))

    def inside(self, thing: str) -> _Place:
        """In a thing: it becomes the subject, or one of its parts if there is a subject already."""
        return self.at(f"{thing}:") if self.subject else replace(self, subject=thing, words=())

    @property
    def what(self) -> str:
        return " ".join(self.words)

    def says(self, text: str) -> SnapshotChange:
        return SnapshotChange(self.area, self.subject, text)


def diff(a: Snapshot, b: Snapshot) -> tuple[SnapshotChange, ...]:
    """All changes from `a` to `b`, by source. Empty exactly if they are equal. Pods are summed up."""
    changes: list[SnapshotChange] = []
    for field in fields(a):
        place = _Place(_AREAS[field.name])
        if field.name not in _UNNAMED:
            place = place.at(field_words(field.name))
        changes.extend(_walk(place, getattr(a, field.name), getattr(b, field.name)))
    return tuple(changes)


def _walk(place: _Place, old: Any, new: Any) -> Iterator[SnapshotChange]:
    if old == new:
        return
    if isinstance(old, Unknown) or isinstance(new, Unknown):
        yield _sight(place, old, new)
    elif is_dataclass(old) and type(old) is type(new):
        yield from _fields(place, old, new)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _sequences(place, old, new)
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for change in json_changes(old, new):
            yield place.says(f"{place.what} {change.says}")
    else:
        yield place.says(f"{place.what}: {_brief(old)} -> {_brief(new)}")


def _sight(place: _Place, old: Any, new: Any) -> SnapshotChange:
    what = place.what.rstrip(":") or "this"
    if NOT_ASKED in (old, new):
        return place.says(f"only the {'second' if old == NOT_ASKED else 'first'} survey looked at {what}")
    if isinstance(new, Unknown):
        if isinstance(old, Unknown):
            return place.says(f"still could not see {what}, now because: {new.unknown} [{new.code}]")
        return place.says(f"could not see {what} any more: {new.unknown} [{new.code}]")
    return place.says(f"{what} can be seen now: {_brief(new)}")


def _fields(place: _Place, old: Any, new: Any) -> Iterator[SnapshotChange]:
    """Field by field. A source's own name is only needed to say that it could not be seen."""
    at_source = place.words in _SOURCES
    for field in fields(old):
        inner = replace(place, words=()) if at_source else place
        yield from _walk(
            inner.at(field_words(field.name)), getattr(old, field.name), getattr(new, field.name)
        )


def _sequences(place: _Place, old: Sequence[Any], new: Sequence[Any]) -> Iterator[SnapshotChange]:
    sample = next(iter((*old, *new)), None)
    noun = noun_of(sample)
    if isinstance(sample, PodFact):
        yield from _pods(place, old, new)
    elif noun is not None:
        yield from _things(place, noun, old, new)
    else:
        yield from _values(place, old, new)


def _things(place: _Place, noun: Noun, old: Sequence[Any], new: Sequence[Any]) -> Iterator[SnapshotChange]:
    before, after = _keyed(noun, old), _keyed(noun, new)
    # A part is named below its subject by its own noun: "pool api: member ... removed", not "pools pool api".
    here = replace(place, words=place.words[:-1])
    for key in sorted(before.keys() | after.keys(), key=str):
        thing = called(after[key] if key in after else before[key], noun)
        if key in before and key in after:
            yield from _walk(here.inside(thing), before[key], after[key])
        elif place.subject:
            yield here.says(f"{here.at(thing).what} {'added' if key in after else 'removed'}")
        else:
            yield SnapshotChange(place.area, thing, "appeared" if key in after else "is gone")
    if [key for key in before if key in after] != [key for key in after if key in before]:
        yield place.says(f"{place.what}: the order changed")


def _keyed(noun: Noun, items: Sequence[Any]) -> dict[tuple[Hashable, ...], Any]:
    """By identity; a second thing of the same identity stands beside the first."""
    seen: Counter[tuple[Hashable, ...]] = Counter()
    keyed = {}
    for item in items:
        identity = tuple(getattr(item, name) for name in noun.key)
        keyed[(*identity, seen[identity])] = item
        seen[identity] += 1
    return keyed


def _values(place: _Place, old: Sequence[Any], new: Sequence[Any]) -> Iterator[SnapshotChange]:
    before, after = (Counter(map(_brief, items)) for items in (old, new))
    gone, come = list((before - after).elements()), list((after - before).elements())
    if len(gone) == 1 and len(come) == 1:
        yield place.says(f"{place.what}: {gone[0]} -> {come[0]}")
        return
    for text in gone:
        yield place.says(f"{place.what}: {text} removed")
    for text in come:
        yield place.says(f"{place.what}: {text} added")
    if not gone and not come:
        yield place.says(f"{place.what}: the order changed")


def _pods(place: _Place, old: Sequence[PodFact], new: Sequence[PodFact]) -> Iterator[SnapshotChange]:
    """Pods come and go with every rollout: they are told by owner, and bare pods by name."""
    before, after = (Counter(map(_pod_owner, pods)) for pods in (old, new))
    told = False
    for owner in sorted(before.keys() | after.keys()):
        if before[owner] != after[owner]:
            told = True
            yield SnapshotChange(place.area, f"pods of {owner}", f"{before[owner]} -> {after[owner]}")
    if not told:
        same_pods = len(set(map(repr, old)) & set(map(repr, new)))
        changed = max(len(old), len(new)) - same_pods
        yield SnapshotChange(
            place.area, "pods", f"{changed} of {len(new)} are others or run elsewhere, as many of each owner"
        )


def _pod_owner(pod: PodFact) -> str:
    return f"{pod.owner or pod.name} in {pod.namespace}"


def _brief(value: object) -> str:
    """One line for a value that came, went or changed as a whole."""
    if isinstance(value, Unknown):
        return f"not seen ({value.unknown})"
    if is_dataclass(value) and not isinstance(value, type):
        noun = noun_of(value)
        return called(value, noun) if noun is not None else value_words(value)
    if isinstance(value, tuple):
        if len(value) > 3 or any(is_dataclass(item) for item in value):
            return f"{len(value)} of them"
        return ", ".join(map(_brief, value)) or "none"
    return shown(value)
