"""Defaults, patterns and a cluster's own settings, merged into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from replank.inventory.facts.json_value import JSON
from replank.inventory.fleet.schema import SHORTHANDS

Settings = Mapping[str, JSON]

_WHOLE = ("credentials",)
"""Of these mappings one key excludes another."""
_EITHER = ("ssh", "node_pod")
"""Of these a layer that names one takes away what the layers below it say of the other."""


def merged(layers: Iterable[Settings]) -> dict[str, JSON]:
    """The layers in one, later ones win.

    A mapping is merged field by field, so that a cluster may change only `ssh.user`. Everything else replaces
    what was there: a list, a null (back to nothing), `credentials`, and also the short form of a mapping:
    `cloud: lab` must not keep the region of another cloud. `ssh` and `node_pod` replace one another.
    """
    result: dict[str, JSON] = {}
    for layer in layers:
        if any(layer.get(key) is not None for key in _EITHER):
            result = {key: value for key, value in result.items() if key not in _EITHER or key in layer}
        for key, value in layer.items():
            result[key] = _merge(key, result.get(key), value)
    return result


def _merge(key: str, below: JSON, above: JSON) -> JSON:
    if not isinstance(above, dict) or key in _WHOLE:
        return above
    if isinstance(below, str) and key in SHORTHANDS:
        below = {SHORTHANDS[key]: below}
    if not isinstance(below, dict):
        return above
    return {**below, **above}


def layers_of(
    name: str, defaults: Settings, patterns: Sequence[Settings], own: Settings
) -> tuple[Settings, ...]:
    """The layers of one cluster, lowest first: defaults, the patterns that match in their order, its own."""
    matching = [
        {key: value for key, value in pattern.items() if key != "match"}
        for pattern in patterns
        if applies(pattern, name)
    ]
    return (defaults, *matching, own)


def applies(pattern: Settings, name: str) -> bool:
    """True if one of the pattern's globs (`match`) matches the cluster's name."""
    match = pattern.get("match")
    globs = match if isinstance(match, list) else [match]
    return any(isinstance(glob, str) and fnmatchcase(name, glob) for glob in globs)


def filled(value: JSON, cluster: str) -> JSON:
    """`value` with `{cluster}` replaced in every text."""
    if isinstance(value, str):
        return value.replace("{cluster}", cluster)
    if isinstance(value, list):
        return [filled(item, cluster) for item in value]
    if isinstance(value, dict):
        return {key: filled(child, cluster) for key, child in value.items()}
    return value
