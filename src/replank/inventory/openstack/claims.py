"""Texts for a comparison: what a state claims of an attribute, and what the cloud has, in one notation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import TerraformResource

NONE = "none"


@dataclass(frozen=True, slots=True)
class Pair:
    """One attribute: what the state says and what is live, as texts for people."""

    attribute: str
    state: str
    live: str


def plain(resource: TerraformResource, name: str, live: object, attribute: str = "") -> Iterator[Pair]:
    """Compares a plain attribute. What the state leaves out or holds as null is no claim."""
    claimed = resource.attributes.get(name)
    if claimed is not None and not isinstance(claimed, list | dict):
        yield Pair(attribute or name, shown(claimed), shown(live))


def group(resource: TerraformResource, name: str, live: Iterable[str], attribute: str = "") -> Iterator[Pair]:
    """Compares a list whose order does not count."""
    claimed = resource.attributes.get(name)
    if isinstance(claimed, list):
        yield Pair(attribute or name, listed(shown(item) for item in claimed), listed(live))


def listed(items: Iterable[str]) -> str:
    """Sorted, with commas; `none` if there are none."""
    return ", ".join(sorted(items)) or NONE


def shown(value: JSON | object) -> str:
    """A plain value as text. Terraform may keep a number as a text or a float; all read the same."""
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
