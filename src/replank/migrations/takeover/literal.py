"""Texts of configuration: a reference as it is written, and the values of the state to put in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from replank.inventory.facts.configuration import ConfigurationReference
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.terraform.address import instance_key

_NAME: Final = re.compile(r"[^\W\d][\w-]*")
_UNWRITTEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KEYS: Final[Mapping[str, str]] = {
    "": "",
    "count.index": "[count.index]",
    "each.key": "[each.key]",
    "every": "[*]",
    "expression": "[…]",
}


def written(reference: ConfigurationReference) -> str:
    """The reference, without the modules around it, for people to find it."""
    module = f"{reference.module}." if reference.module else ""
    key = instance_key(reference.index) if reference.key == "key" else _KEYS[reference.key]
    steps = "".join(
        f".{step}" if isinstance(step, str) and _NAME.fullmatch(step) else instance_key(step)
        for step in reference.attribute
    )
    return f"{reference.block.removeprefix(module)}{key}{steps}{'…' if reference.more else ''}"


def replacement(reference: ConfigurationReference, members: Sequence[TerraformResource]) -> str:
    """What stands for the same value without the resource; "" where that is not clear.

    `members`: all resources of the mentioned block, as the state has them.
    """
    if reference.more or not reference.attribute or len({m.module for m in members}) != 1:
        return ""
    values = {m.index: _value(m, reference.attribute) for m in members}
    if any(value is None for value in values.values()):
        return ""
    texts = {index: str(value) for index, value in values.items()}
    text = _picked(reference, texts)
    # In JSON syntax the expression stands inside a text.
    return json.dumps(text, ensure_ascii=False)[1:-1] if reference.file.endswith(".json") else text


def _picked(reference: ConfigurationReference, texts: Mapping[int | str | None, str]) -> str:
    match reference.key:
        case "":
            return texts.get(None, "")
        case "key":
            return texts.get(reference.index, "")
        case "every" | "count.index":
            found = _list(texts)
            return found and found + ("[count.index]" if reference.key == "count.index" else "")
        case "each.key":
            found = _map(texts)
            return found and found + "[each.key]"
        case _:
            return ""


def _list(texts: Mapping[int | str | None, str]) -> str:
    """Of `count`'s members, or the only one without; "" where one is missing."""
    if set(texts) == {None}:
        return f"[{texts[None]}]"
    if set(texts) != set(range(len(texts))):
        return ""
    return f"[{', '.join(texts[number] for number in range(len(texts)))}]"


def _map(texts: Mapping[int | str | None, str]) -> str:
    keys = [key for key in texts if isinstance(key, str)]
    if len(keys) != len(texts):
        return ""
    return f"{{ {', '.join(f'{_literal(key)} = {texts[key]}' for key in sorted(keys))} }}"


def _value(resource: TerraformResource, path: Sequence[str | int]) -> str | None:
    """The state's value as a literal; None where the state keeps none that can be written."""
    value: JSON = {"id": resource.id, **resource.attributes}
    for step in path:
        value = _below(value, step)
    return _literal(value)


def _below(value: JSON, step: str | int) -> JSON:
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return value[step]
    return None


def _literal(value: JSON) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if _UNWRITTEN.search(value):
            return None
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        items = [_literal(item) for item in value]
        return None if None in items else f"[{', '.join(str(item) for item in items)}]"
    return None
