"""Flat attributes of Terraform 0.11 and older, as a v4 state may still hold them (`attributes_flat`).

`{"network.#": "1", "network.0.uuid": "x"}` becomes `{"network": [{"uuid": "x"}]}`. Sets have hashes in place
of positions; their order is the order of the hashes. Source: Terraform, internal/configs/hcl2shim/flatmap.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from replank.inventory.facts.json_value import JSON
from replank.inventory.terraform.attributes import BOOLEANS, INTEGERS

# Terraform's own limit of nesting is far lower; this one only guards the recursion.
_MAX_DEPTH = 32


def expand(flat: Mapping[str, str]) -> dict[str, JSON]:
    """Nested attributes of a flat map. Texts of fields known as numbers and booleans are converted."""
    tree: dict[str, object] = {}
    for key, value in sorted(flat.items()):
        parts = key.split(".", _MAX_DEPTH)
        _insert(tree, parts, value)
    return {name: _value(name, child) for name, child in tree.items()}


def _insert(tree: dict[str, object], parts: list[str], value: str) -> None:
    for part in parts[:-1]:
        child = tree.setdefault(part, {})
        if not isinstance(child, dict):
            return  # `a` and `a.b` at once: contradictory, the shorter one was first and stays
        tree = child
    tree.setdefault(parts[-1], value)


def _value(name: str, node: object) -> JSON:
    if not isinstance(node, dict):
        return _scalar(name, str(node))
    if "#" in node:
        keys = sorted((key for key in node if key != "#"), key=_position)
        return [_value(name, node[key]) for key in keys]
    return {key: _value(key, child) for key, child in sorted(node.items()) if key != "%"}


def _position(key: str) -> tuple[int, int, str]:
    """Positions and hashes in the order of numbers (`~` marks a hash that was computed)."""
    digits = key.removeprefix("~")
    if digits.isascii() and digits.isdigit() and len(digits) <= 18:
        return (0, int(digits), key)
    return (1, 0, key)


def _scalar(name: str, text: str) -> JSON:
    if name in BOOLEANS and text in ("true", "false", "1", "0"):
        return text in ("true", "1")
    digits = text.removeprefix("-")
    if name in INTEGERS and digits.isascii() and digits.isdigit() and len(digits) <= 18:
        return int(text)
    return text
