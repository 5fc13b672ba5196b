"""YAML of an agent's configuration with the lines that things stand on."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from replank.inventory.log_agents.mounted import MountedFile
from replank.inventory.log_agents.refusals import unreadable


def load(file: MountedFile) -> CommentedMap:
    """The document, a mapping. Raises `Refused` RP480; its text holds nothing of the file but a line
    number.
    """
    reader = YAML(typ="rt")
    try:
        found = reader.load(file.text)
    except YAMLError as error:
        # Not chained: the parser's words quote the file, which may hold secrets.
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 0
        raise unreadable("RP480", "it is not YAML", str(file.place(line))) from None
    if found is None:
        return CommentedMap()
    if not isinstance(found, CommentedMap):
        raise unreadable("RP480", "the document is not a mapping", str(file.place(1)))
    return found


def mapping(value: Any) -> CommentedMap:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, CommentedMap) else CommentedMap()


def items(value: Any) -> list[Any]:
    """The value's items if it is a list, itself if it is one scalar or mapping, nothing if it is None."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def key_line(found: CommentedMap, key: Any) -> int:
    """The line of a key, from 1; 0 where the mapping was not read from a text."""
    return found.lc.key(key)[0] + 1 if key in (found.lc.data or {}) else 0


def item_line(found: CommentedSeq, index: int) -> int:
    """The line of an item, from 1."""
    return found.lc.item(index)[0] + 1 if index in (found.lc.data or {}) else 0


def load_list(file: MountedFile) -> list[Any]:
    """The document, a list. Raises `Refused` RP480."""
    reader = YAML(typ="rt")
    try:
        found = reader.load(file.text)
    except YAMLError:
        # Not chained, as above.
        raise unreadable("RP480", "it is not YAML", str(file.place(0))) from None
    return items(found)
