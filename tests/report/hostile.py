"""A plan whose every text was chosen by somebody who means harm."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from replank.plan.takeover import TakeoverPlan

EVIL = (
    "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"
    "&[red]`${{7*7}}\x1b[31m\u202e"
)

# Texts with a fixed set of values: the model does not let others in.
_FIXED = {"migration", "schema", "role", "mode", "before", "after", "how", "source", "severity"}


def hostile(value: Any, field: str = "") -> Any:
    """The same value with `EVIL` behind every text. Keys of mappings and texts of fixed choice stay."""
    if isinstance(value, str):
        return value if field in _FIXED else value + EVIL
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changes = {f.name: hostile(getattr(value, f.name), f.name) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **changes)
    if isinstance(value, Mapping):
        return {key: hostile(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(hostile(item, "") for item in value)
    return value


def hostile_plan(plan: TakeoverPlan) -> TakeoverPlan:
    evil = hostile(plan)
    assert isinstance(evil, TakeoverPlan)
    return evil
