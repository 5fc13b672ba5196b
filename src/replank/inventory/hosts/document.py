"""A YAML or JSON document from a machine, as plain JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON

# PyYAML reads YAML 1.1, as the library behind Kubernetes does (sigs.k8s.io/yaml: `on` is a boolean).
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NODES = 50_000
_DEPTH = 40


def load_mapping(text: str, *, code: str, where: str) -> dict[str, JSON]:
    """The mapping in `text`. Raises `Refused` with `code` for anything else, naming `where`."""
    try:
        document = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, see _LOADER
        if not isinstance(document, dict):
            raise unreadable("it is not a mapping", code=code, where=where)
        result = _json(document, iter(range(_NODES)), 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise unreadable(f"it is not YAML{line}", code=code, where=where) from error
    except (ValueError, RecursionError, StopIteration, AttributeError, TypeError) as error:
        raise unreadable("it is not YAML that Kubernetes could read", code=code, where=where) from error
    assert isinstance(result, dict)
    return result


def unreadable(why: str, *, code: str, where: str) -> Refused:
    """The error for the file `where`, whose content is not what it should be."""
    return Refused(code, f"{where} on the machine cannot be read", why, "Look at the file there.")


def _json(value: object, budget: Iterator[int], depth: int) -> JSON:
    """`value` without dates and other things that JSON has not. Bounded, so that no alias explodes."""
    next(budget)
    if depth > _DEPTH:
        raise ValueError("too deep")
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise ValueError("not a JSON number")
        return value
    if isinstance(value, list):
        return [_json(item, budget, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_key(key): _json(item, budget, depth + 1) for key, item in value.items()}
    raise ValueError("not a JSON value")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError("a key is not text")
    return key
