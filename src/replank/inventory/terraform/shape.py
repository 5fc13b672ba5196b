"""Typed access to the documents of a state; what has another shape than it must have is refused by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which state a value stands, for messages: `resources[3].instances[0]`."""

    source: str
    path: str = ""

    def at(self, step: str | int) -> Place:
        """The place one step further down."""
        if isinstance(step, int):
            return Place(self.source, f"{self.path}[{step}]")
        return Place(self.source, f"{self.path}.{step}" if self.path else step)

    def refuse(self, why: str) -> Refused:
        """The error for a state whose JSON is whole but whose content is not (RP029)."""
        return Refused(
            "RP029",
            "The state is damaged",
            f"{self.path or 'the top level'} {why}",
            "Fetch it again (`terraform state pull`), or take the newest backup; do not mend it by hand.",
            where=self.source,
        )


def objects(parent: dict[str, JSON], key: str, place: Place) -> list[tuple[dict[str, JSON], Place]]:
    """The objects of the list `parent[key]` with their places; a missing or null list is empty, as in Go."""
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise place.at(key).refuse("is not a list")
    found = []
    for i, item in enumerate(value):
        if not isinstance(item, dict):
            raise place.at(key).at(i).refuse("is not an object")
        found.append((item, place.at(key).at(i)))
    return found


def text(parent: dict[str, JSON], key: str, place: Place, *, required: bool = False) -> str:
    """The text `parent[key]`; "" where it is missing or null, unless `required`."""
    value = parent.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise place.at(key).refuse("is missing" if value in (None, "") else "is not a text")
    return value


def index(parent: dict[str, JSON], key: str, place: Place) -> int | str | None:
    """The instance key: a whole number, a text, or None."""
    value = parent.get(key)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # written as 0.0 by other JSON tools; Terraform reads it as 0
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise place.at(key).refuse("is neither a whole number nor a text")


def mode_of(resource: dict[str, JSON], place: Place) -> Literal["managed", "data"]:
    """Whether the resource is made by the tool or only read by it."""
    mode = text(resource, "mode", place, required=True)
    if mode == "managed":
        return "managed"
    if mode == "data":
        return "data"
    raise place.at("mode").refuse("is neither `managed` nor `data`")


def mapping(parent: dict[str, JSON], key: str, place: Place) -> dict[str, JSON]:
    """The object `parent[key]`; {} where it is missing or null."""
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise place.at(key).refuse("is not an object")
    return value


def texts(parent: dict[str, JSON], key: str) -> tuple[str, ...]:
    """The texts in the list `parent[key]`, sorted, each once. Only for what nothing depends on."""
    value = parent.get(key)
    return tuple(sorted({item for item in value if isinstance(item, str)})) if isinstance(value, list) else ()


def resource_id(attributes: dict[str, JSON]) -> str:
    """The ID; "" where the object has none (it was being made when the tool died)."""
    value = attributes.get("id")
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
