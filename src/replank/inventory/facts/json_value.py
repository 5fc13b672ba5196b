"""The type of a value that came out of JSON."""

from __future__ import annotations

from typing_extensions import TypeAliasType

JSON = TypeAliasType("JSON", "str | int | float | bool | list[JSON] | dict[str, JSON] | None")
