"""A configuration's settings in the form in which the node's part reads a `containerd config dump`.

`swap_node.settings` reads text line by line, since Python 3.6 has no parser of TOML; a test holds the two
together.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def settings_of(toml: str) -> dict[str, str]:
    """`table.key` -> value as text: strings in double quotes, lists on one line without blanks."""
    return {".".join(map(_quoted, path)): _text(value) for path, value in _leaves(tomllib.loads(toml), ())}


def _leaves(table: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _quoted(key: str) -> str:
    return key if _BARE.fullmatch(key) else f'"{key}"'


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)
