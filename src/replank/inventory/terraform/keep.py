"""Cuts the attributes of one instance down to the allow-list, and takes out what is marked sensitive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from replank.inventory.facts.json_value import JSON
from replank.inventory.terraform.attributes import allowed

# Steps from the top: names of attributes or keys, and positions in lists.
Path = tuple[str | int, ...]


def keep(
    resource_type: str, attributes: Mapping[str, JSON], sensitive: Iterable[Path] = ()
) -> dict[str, JSON]:
    """What of `attributes` may be kept, sorted by name. Nulls (never set) are left out.

    `sensitive`: paths that the state marks; only the value at the path is dropped, and the whole attribute
    where the path leads nowhere. `id` is kept: it is what every other fact is joined by.
    """
    hidden = [path for path in sensitive if path and path[0] != "id"]
    kept: dict[str, JSON] = {}
    for name, inside in sorted(allowed(resource_type).items()):
        value = attributes.get(name)
        if value is None or (name,) in hidden:
            continue
        cut = value if inside is None else _cut(value, inside)
        for path in hidden:
            if path[0] == name and cut is not None:
                cut = _without(cut, path[1:])
        if cut is not None and _is_plain_or_block(cut, inside):
            kept[name] = cut
    return kept


def _is_plain_or_block(value: JSON, inside: frozenset[str] | None) -> bool:
    """Where no names inside are allowed, a mapping could carry anything: only values and lists of values."""
    if inside is not None:
        return True
    if isinstance(value, list):
        return not any(isinstance(item, (dict, list)) for item in value)
    return not isinstance(value, dict)


def _cut(value: JSON, inside: frozenset[str]) -> JSON:
    """A block, or a list of blocks, with only the names `inside`; a plain value stays."""
    if isinstance(value, dict):
        return {
            key: child
            for key, child in sorted(value.items())
            if key in inside and child is not None and _is_plain_or_block(child, None)
        }
    if isinstance(value, list):
        # Positions must stay as they are: `network[1]` is the second interface.
        return [_cut(item, inside) for item in value if not isinstance(item, list)]
    return value


def _without(value: JSON, path: Path) -> JSON:
    """`value` without what `path` points at; None if that is all of it, or if the path leads nowhere."""
    if not path:
        return None
    step, rest = path[0], path[1:]
    if isinstance(value, dict) and isinstance(step, str):
        if step not in value:
            return value  # not on the allow-list: gone already
        child = _without(value[step], rest)
        if child is None:
            return {key: other for key, other in value.items() if key != step}
        return {**value, step: child}
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        child = _without(value[step], rest)
        if child is None:
            return None  # a list with a hole would move positions: drop it whole
        return [child if i == step else item for i, item in enumerate(value)]
    return None


def paths_of_mask(mask: JSON, prefix: Path = ()) -> list[Path]:
    """Paths at which `sensitive_values` of `terraform show -json` holds `true`."""
    if mask is True:
        return [prefix]
    if isinstance(mask, dict):
        return [path for key, child in mask.items() for path in paths_of_mask(child, (*prefix, key))]
    if isinstance(mask, list):
        return [path for i, child in enumerate(mask) for path in paths_of_mask(child, (*prefix, i))]
    return []
