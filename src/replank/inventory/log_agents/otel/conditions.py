"""The part of the collector's expression language (expr) that routes log lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.refusals import unreadable

Entry = Mapping[str, Any]
"""`body`, `attributes`, `resource`."""

_ATOM = re.compile(
    r"""(?P<left>\$*[\w.]+(?:\[(?:"[^"]*"|'[^']*')\])?)\s*(?P<operator>matches|startsWith|endsWith|contains|==|!=)\s*"""
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
)


def holds(expression: str, entry: Entry) -> bool:
    """Whether a condition holds. Raises `Refused` RP484 for what is not understood."""
    text = expression.strip()
    if text in ("true", "false"):
        return text == "true"
    for word, several in ((r"\s+or\s+|\s*\|\|\s*", any), (r"\s+and\s+|\s*&&\s*", all)):
        parts = _split(text, word)
        if len(parts) > 1:
            return several(holds(part, entry) for part in parts)
    if negated := re.fullmatch(r"(?:not\s+|!)\(?(.*?)\)?", text, re.DOTALL):
        return not holds(negated[1], entry)
    if text.startswith("(") and text.endswith(")"):
        return holds(text[1:-1], entry)
    atom = _ATOM.fullmatch(text)
    if atom is None:
        raise unreadable("RP484", "a condition has more than comparisons of the line")
    value = value_of(entry, atom["left"])
    left = value if isinstance(value, str) else ""
    return _OPERATORS[atom["operator"]](left, _unquoted(atom["text"]))


def value_of(entry: Entry, path: str) -> Any:
    """The value at `body`, `attributes.log`, `attributes["log.file.path"]`; None where there is none."""
    first, keys = _path(path)
    value = entry.get(first)
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def store(entry: dict[str, Any], path: str, value: Any) -> None:
    """Puts a value at such a path; None takes it away."""
    first, keys = _path(path)
    if not keys:
        entry[first] = value
        return
    holder = entry.get(first)
    if not isinstance(holder, dict):
        holder = {}
        entry[first] = holder
    for key in keys[:-1]:
        inner = holder.get(key)
        if not isinstance(inner, dict):
            inner = {}
            holder[key] = inner
        holder = inner
    if value is None:
        holder.pop(keys[-1], None)
    else:
        holder[keys[-1]] = value


def _path(path: str) -> tuple[str, list[str]]:
    bare = path.strip().lstrip("$")
    tokens = re.findall(r"""\[(?:"([^"]*)"|'([^']*)')\]|([^.\[\]]+)""", bare)
    keys = [a or b or c for a, b, c in tokens]
    if keys and keys[0] in ("body", "attributes", "resource", "record"):
        first = "body" if keys[0] == "record" else keys[0]
        return first, keys[1:]
    return "body", keys


def _split(text: str, word: str) -> list[str]:
    """Splits outside of quotes and brackets."""
    parts, depth, quote, began, at = list[str](), 0, "", 0, 0
    pattern = re.compile(word)
    while at < len(text):
        character = text[at]
        if quote:
            at += 2 if character == "\\" else 1
            quote = "" if character == quote else quote
            continue
        if character in "\"'":
            quote = character
        depth += (character in "([") - (character in ")]")
        found = pattern.match(text, at) if depth == 0 else None
        if found:
            parts.append(text[began:at])
            began = at = found.end()
            continue
        at += 1
    return [*parts, text[began:]]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "matches": lambda left, text: compiled(text).search(left) is not None,
    "startsWith": lambda left, text: left.startswith(text),
    "endsWith": lambda left, text: left.endswith(text),
    "contains": lambda left, text: text in left,
    "==": lambda left, text: left == text,
    "!=": lambda left, text: left != text,
}
