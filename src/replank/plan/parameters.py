"""What the parameters of steps and checks hold. A parameter of another form than the planner writes stops the
cluster: the plan was made by another replank, or its codes and its planner disagree."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON

Params = Mapping[str, JSON]


def text(params: Params, name: str) -> str:
    """A text that must be there. Raises `Refused` RP877."""
    value = params.get(name)
    if not isinstance(value, str):
        raise malformed(name, "is no text")
    return value


def optional(params: Params, name: str) -> str:
    """A text, "" where it is left out. Raises `Refused` RP877."""
    return text(params, name) if name in params else ""


def texts(params: Params, name: str) -> tuple[str, ...]:
    """A list of texts that must be there. Raises `Refused` RP877."""
    value = params.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise malformed(name, "is no list of texts")
    return tuple(str(item) for item in value)


def pairs(params: Params, name: str) -> dict[str, str]:
    """A mapping of texts that must be there. Raises `Refused` RP877."""
    value = params.get(name)
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise malformed(name, "is no mapping of texts")
    return {key: str(item) for key, item in value.items()}


def number(params: Params, name: str) -> int:
    """A whole number that must be there. Raises `Refused` RP877."""
    value = params.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise malformed(name, "is no whole number")
    return value


def found_before(before: JSON) -> Params:
    """What `found` of a step wrote down; nothing where the journal has none."""
    return before if isinstance(before, dict) else {}


def malformed(name: str, why: str) -> Refused:
    """The error for a plan that does not say what a step needs."""
    return Refused(
        "RP877",
        "The plan does not say what a step needs",
        f"its parameter `{name}` {why}",
        "Plan again with this version of replank.",
    )
