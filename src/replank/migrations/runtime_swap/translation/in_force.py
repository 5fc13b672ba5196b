"""Two daemons' effective configurations, setting by setting: the gate of the in-place way.

What is compared is what the daemons themselves say (`containerd config dump`), not files: the same drop-ins
mean different things before and after 2.0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.runtime.containerd_facts import ContainerdInForce
from replank.inventory.runtime.containerd_setting import Line
from replank.inventory.runtime.containerd_settings import SETTINGS, default_of, setting_at
from replank.inventory.runtime.tree import Path, dotted, leaves
from replank.inventory.runtime.withheld import WITHHELD

_EMPTY: Final[tuple[JSON, ...]] = (None, "", [], {}, False, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One setting that is not the same. `before`, `after`: as they may be shown.

    `intended`: the plan changes it on purpose, or it came or went at its default, with nothing that anybody
    set. What is not intended must not be switched to.
    """

    setting: str
    before: str
    after: str
    intended: bool
    why: str


def compare(
    before: ContainerdInForce,
    after: ContainerdInForce,
    *,
    old: Line,
    new: Line,
    changed: Collection[Path] = (),
) -> tuple[Difference, ...]:
    """All differences, sorted by setting. `changed`: a Translation's, what differs on purpose.

    Withheld values cannot be compared; one that stands on both sides is reported as not intended, unless it
    is a login (its file is the same one). A setting that is missing counts with its default.
    """
    then, now = dict(leaves(before.tree)), dict(leaves(after.tree))
    found = []
    moved = {s.path for s in SETTINGS if "*" not in s.path and s.default(old) != s.default(new)}
    for path in sorted(set(then) | set(now) | moved):
        one = then.get(path, default_of(path, old))
        other = now.get(path, default_of(path, new))
        hidden = path in before.withheld or path in after.withheld
        if one == other and not hidden:
            continue
        if path in before.secret and path in after.secret:
            continue
        intended, why = _judge(path, one, other, old, new, changed, hidden=hidden)
        found.append(
            Difference(
                setting=dotted(path), before=_shown(one), after=_shown(other), intended=intended, why=why
            )
        )
    return tuple(found)


def differs(differences: Collection[Difference]) -> tuple[Difference, ...]:
    """Those that nobody meant."""
    return tuple(difference for difference in differences if not difference.intended)


def _judge(
    path: Path, one: JSON, other: JSON, old: Line, new: Line, changed: Collection[Path], *, hidden: bool
) -> tuple[bool, str]:
    if path in changed or any(path[: len(start)] == start for start in changed):
        return True, "The plan changes it."
    if hidden:
        return False, "The value is not kept, so nobody can tell whether it is the same."
    setting = setting_at(path)
    if setting is None:
        return False, "replank does not know this setting."
    if not setting.known_to(new) and (one in _EMPTY or one == setting.default(old)):
        return True, "It is gone, and stood at its default."
    if not setting.known_to(old):
        new_default = other == setting.default(new) or (not setting.defaults and other in _EMPTY)
        why = "It is new, and stands at its default." if new_default else "It is new, and was set."
        return new_default, why
    if not setting.known_to(new):
        return False, "It is gone, and was set."
    if one in _EMPTY and other in _EMPTY:
        return True, "Both mean nothing is set."
    return False, "It has another value."


def _shown(value: JSON) -> str:
    return WITHHELD if value == WITHHELD else "(not set)" if value is None else str(value)
