"""Edits of the kubelet's files: flags in environment files, top-level keys of YAML files; nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.document import load_mapping

_ASSIGNMENT: Final = re.compile(
    r"(?P<head>\s*[A-Za-z_][A-Za-z0-9_]*=)(?P<quote>[\"']?)(?P<words>[^\"'\\]*)(?P=quote)\s*"
)
_KEY: Final = r"^{key}[ \t]*:.*$"


def edit_flags(text: str, keep: Callable[[str, str], str | None], add: Mapping[str, Sequence[str]]) -> str:
    """An environment file whose flags were gone through.

    `keep(name, value)` gives a flag's new value, or None to drop it. `add`: variable -> words at its end.
    Raises ValueError for a line with flags that cannot be taken apart (mixed quotes, backslashes).
    """
    return "".join(_edit_line(line, keep, add) for line in text.splitlines(keepends=True))


def _edit_line(line: str, keep: Callable[[str, str], str | None], add: Mapping[str, Sequence[str]]) -> str:
    bare = line.rstrip("\r\n")
    if not bare.strip() or bare.lstrip().startswith(("#", ";")):
        return line
    match = _ASSIGNMENT.fullmatch(bare)
    if match is None:
        if "--" in bare:
            raise ValueError("a line with flags has quotes or backslashes inside")
        return line
    variable = match["head"].strip().rstrip("=")
    words = _edited(match["words"].split(), keep)
    words += [word for word in add.get(variable, ()) if word not in words]
    if words == match["words"].split():
        return line
    quote = match["quote"] or ('"' if len(words) > 1 else "")
    return f"{match['head']}{quote}{' '.join(words)}{quote}{line[len(bare) :]}"


def _edited(words: list[str], keep: Callable[[str, str], str | None]) -> list[str]:
    result: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if not word.startswith("-") or not word.strip("-"):
            result.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        apart = not equals and index < len(words) and not words[index].startswith("-")
        if apart:
            value = words[index]
            index += 1
        new = keep(name, value if equals or apart else "true")
        if new is None:
            continue
        if new == (value if equals or apart else "true"):
            result += [word, value] if apart else [word]
        else:
            result.append(f"--{name}={new}")
    return result


def with_keys(text: str, keys: Mapping[str, JSON], *, where: str) -> str:
    """A YAML file with these top-level keys set to scalars; other lines stay as they are.

    Raises ValueError if the result does not read as the old document with the keys changed (a key over
    several lines, a flow mapping, two documents). Raises `Refused` RP087 if the old text is no mapping.
    """
    before = load_mapping(text, code="RP087", where=where) if text.strip() else {}
    edited = text if not text or text.endswith("\n") else f"{text}\n"
    for key, value in keys.items():
        line = f"{key}: {json.dumps(value)}"
        pattern = re.compile(_KEY.format(key=re.escape(key)), flags=re.MULTILINE)
        if pattern.search(edited):
            edited = pattern.sub(line.replace("\\", "\\\\"), edited, count=1)
        elif key in before:
            raise ValueError(f"{key} is not written as a plain key")
        else:
            edited += f"{line}\n"
    if load_mapping(edited, code="RP087", where=where) != {**before, **keys}:
        raise ValueError("its lines cannot be changed one by one")
    return edited
