"""What differs between two plans, in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from replank.inventory.json_changes import json_changes
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.plan.order import manifest_keys
from replank.plan.takeover import TakeoverPlan


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `area`: what it is grouped under; `subject`: the thing, "" for the plan itself."""

    area: str
    subject: str
    says: str


Item = Mapping[str, Any]
Keyed = dict[tuple[tuple[str, ...], int], Item]


_NUMBER: Final = re.compile(r"^([^/]*/)[0-9]+-")
_MOST: Final = 3
"""Parameters of one step that are told one by one: they repeat what machines and manifests already say."""
_QUIET: Final = re.compile(r"(params|objects|(before|after)\[[^]]*\]\.)")


@dataclass(frozen=True, slots=True)
class _Section:
    """A list of the plan: how its items are told apart, called, and described when they come and go.

    `numbered`: the field that holds a step's ID. Steps are told apart without their number, for one more step
    gives another number to all that follow.
    """

    area: str
    field: str
    key: tuple[str, ...]
    subject: Callable[[Item], str]
    about: Callable[[Item], str]
    numbered: str = ""

    def identity(self, item: Item) -> tuple[str, ...]:
        return tuple(
            _NUMBER.sub(r"\1", item[name]) if name == self.numbered else str(item[name]) for name in self.key
        )


_SECTIONS: Sequence[_Section] = (
    _Section(
        "Machines", "machines", ("machine",), lambda m: m["machine"], lambda m: f"{m['role']} of {m['group']}"
    ),
    _Section(
        "Groups",
        "groups",
        ("name",),
        lambda g: f"{g['role']} {g['name']}",
        lambda g: f"machines {', '.join(g['machines'])}",
    ),
    _Section(
        "Ownership",
        "ownership",
        ("kind", "id"),
        lambda o: f"{o['kind']} {o['name'] or o['id']}",
        lambda o: f"{o['before']} -> {o['after']}",
    ),
    _Section(
        "What Terraform must forget",
        "forget",
        ("state", "address"),
        lambda f: f["address"],
        lambda f: f["how"],
    ),
    _Section(
        "What Terraform must forget",
        "letting_go",
        ("state", "workspace"),
        lambda g: f"configuration of {g['state']}",
        lambda g: f"in {g['folder']}" if g["folder"] else "not seen",
    ),
    _Section("Nodes", "nodes", ("node",), lambda n: n["node"], lambda n: f"{n['runtime']} to {n['to']}"),
    _Section("New programs", "bundle", ("name",), lambda f: f["name"], lambda f: f["source"]),
    _Section("To be shipped first", "ship_first", ("code", "what"), lambda s: s["what"], lambda s: s["why"]),
    _Section(
        "Secrets", "secrets", ("name",), lambda s: s["name"], lambda s: f"keys {', '.join(sorted(s['data']))}"
    ),
    _Section(
        "Findings",
        "findings",
        ("code", "subject", "unknown"),
        lambda f: f"{f['code']} {f['subject']}",
        lambda f: f["severity"] + (", could not be checked" if f["unknown"] else ""),
    ),
    _Section(
        "Points of no return",
        "points_of_no_return",
        ("step",),
        lambda p: p["step"],
        lambda p: p["why"],
        numbered="step",
    ),
)
_STAGES = _Section("Steps", "stages", ("name",), lambda s: f"stage {s['name']}", lambda s: s["title"])
_STEPS = _Section("Steps", "steps", ("id",), lambda s: f"step {s['id']}", lambda s: s["says"], numbered="id")
_APART = {section.field for section in _SECTIONS} | {"stages", "manifests", "ready", "load_balancer"}


def compare(a: AnyPlan, b: AnyPlan) -> tuple[Change, ...]:
    """All differences from `a` to `b`, by area. Empty exactly if the plans are equal."""
    if a.migration != b.migration:
        return (Change("Settings and versions", "", f"a {a.migration} became a {b.migration}"),)
    before, after = codec.to_dict(a), codec.to_dict(b)
    sections = [section for section in _SECTIONS if section.field in before]
    rest = ({key: value for key, value in plan.items() if key not in _APART} for plan in (before, after))
    return (
        *_verdict(a, b),
        *_fields("Settings and versions", "", *rest),
        *_fields("Load balancer", "", before.get("load_balancer", {}), after.get("load_balancer", {})),
        *(c for s in sections for c in _items(s, before[s.field], after[s.field])),
        *_stages(before["stages"], after["stages"]),
        *_manifests(a, b),
    )


def _verdict(a: AnyPlan, b: AnyPlan) -> Iterator[Change]:
    if a.ready != b.ready:
        yield Change("Verdict", "", "ready now" if b.ready else "not ready any more")


def _fields(area: str, subject: str, before: Item, after: Item) -> Iterator[Change]:
    for change in json_changes(before, after):
        yield Change(area, subject, change.says.replace("_", " ") if not subject else change.says)


def _items(section: _Section, before: Sequence[Item], after: Sequence[Item]) -> Iterator[Change]:
    old, new = _keyed(section, before), _keyed(section, after)
    for key in dict.fromkeys((*old, *new)):
        if key not in new:
            yield Change(section.area, section.subject(old[key]), f"removed ({section.about(old[key])})")
        elif key not in old:
            yield Change(section.area, section.subject(new[key]), f"added ({section.about(new[key])})")
        elif section is _STEPS:
            yield from _step(old[key], new[key])
        else:
            pair = (_without(item, section.numbered) for item in (old[key], new[key]))
            yield from _fields(section.area, section.subject(new[key]), *pair)
    yield from _places(section, old, new)


def _places(section: _Section, old: Keyed, new: Keyed) -> Iterator[Change]:
    """Items that both plans have, but under another number or in another order."""
    unit = section.field.replace("_", " ")
    common = [key for key in old if key in new]
    if common != [key for key in new if key in old]:
        yield Change(section.area, "", f"the order of the {unit} changed")
    elif section.numbered and any(old[k][section.numbered] != new[k][section.numbered] for k in common):
        yield Change(section.area, "", f"some {unit} have another number")


def _step(old: Item, new: Item) -> Iterator[Change]:
    subject = _STEPS.subject(new)
    changes = list(_fields("Steps", subject, _without(old, "id"), _without(new, "id")))
    quiet = [change for change in changes if _QUIET.match(change.says)]
    # What it does, its undo, its approval, and checks that come or go are never left to a number.
    yield from (change for change in changes if change not in quiet)
    yield from quiet[:_MOST]
    if len(quiet) > _MOST:
        yield Change("Steps", subject, f"and {len(quiet) - _MOST} more details")


def _without(item: Item, field: str) -> Item:
    return {key: value for key, value in item.items() if key != field}


def _keyed(section: _Section, items: Sequence[Item]) -> Keyed:
    """By identity; a second item of the same identity stands beside the first, not over it."""
    seen: Counter[tuple[str, ...]] = Counter()
    keyed = {}
    for item in items:
        identity = section.identity(item)
        keyed[(identity, seen[identity])] = item
        seen[identity] += 1
    return keyed


def _stages(before: Sequence[Item], after: Sequence[Item]) -> Iterator[Change]:
    old, new = _keyed(_STAGES, before), _keyed(_STAGES, after)
    for key in dict.fromkeys((*old, *new)):
        yield from _items(_STEPS, old.get(key, {}).get("steps", ()), new.get(key, {}).get("steps", ()))
    yield from _items(
        _STAGES, *([{k: v for k, v in s.items() if k != "steps"} for s in x] for x in (before, after))
    )


def _manifests(a: AnyPlan, b: AnyPlan) -> Iterator[Change]:
    if not isinstance(a, TakeoverPlan) or not isinstance(b, TakeoverPlan):
        return
    before, after = a.manifests, b.manifests
    for key in dict.fromkeys((*manifest_keys(a), *manifest_keys(b))):
        if key not in after:
            yield Change("Manifests", key, "removed")
        elif key not in before:
            yield Change("Manifests", key, "added")
        else:
            yield from _fields("Manifests", key, before[key], after[key])
