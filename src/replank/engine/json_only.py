"""Only JSON gets into the journal and into the durable workflows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from replank.inventory.facts.json_value import JSON


def as_json(value: object) -> JSON:
    """The value with tuples as lists and mappings as dicts.

    Raises `TypeError` where something in it has no JSON form (bytes, objects, keys that are no strings, NaN):
    the type is named, the value is not, since it may be a secret.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError("a number that is not finite has no JSON form")
        return value
    if isinstance(value, Mapping):
        return {_key(name): as_json(item) for name, item in cast("Mapping[object, object]", value).items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in cast("list[object]", value)]
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{type(name).__name__} is no key of a JSON object")
    return name
