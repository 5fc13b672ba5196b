"""Reads YAML that replank wrote, and keeps the line of every value for messages.

Built on the parser's events, so that nothing is ever constructed: tags, anchors, aliases, merges and several
documents are refused rather than interpreted (a few hundred bytes of aliases can stand for gigabytes).
Plain scalars are read by YAML 1.2's JSON schema: null, booleans, decimal numbers; all else is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from replank.domain.errors import Refused

Path = tuple[str | int, ...]

# libyaml's parser is fifteen times as quick, and optional. That it reads YAML 1.1 shows only in what it would
# make of plain scalars, which it is not asked for.
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_BYTES: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 64
_INT: Final = re.compile(r"[-+]?[0-9]{1,400}")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)(e[-+]?[0-9]+)?", re.IGNORECASE)
_WORDS: Final[dict[str, object]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A mapping, and the line (from 1) at which the value at each path begins."""

    value: dict[str, Any]
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """Line of the deepest part of `path` that the file holds."""
        found = self.lines.get((), 1)
        for length in range(1, len(path) + 1):
            found = self.lines.get(path[:length], found)
        return found


@dataclass(slots=True)
class _Open:
    """A collection that is being read. `key`: the key whose value comes next, None where a key is due."""

    container: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    where: str
    lines: dict[Path, int] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    root: object = None
    documents: int = 0

    def feed(self, event: Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.refuse(line, "it holds a second document")
        elif isinstance(event, AliasEvent):
            self.refuse(line, "it holds an alias (`*name`)")
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self.plain(event, line)
            self.open({} if isinstance(event, MappingStartEvent) else [], line)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.stack.pop()
        elif isinstance(event, ScalarEvent):
            self.scalar(event, line)

    def plain(self, event: MappingStartEvent | SequenceStartEvent | ScalarEvent, line: int) -> None:
        if event.anchor is not None:
            self.refuse(line, "it holds an anchor (`&name`)")
        if event.tag is not None:
            self.refuse(line, "it holds a tag (`!name`)")

    def open(self, container: dict[str, Any] | list[Any], line: int) -> None:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.container, dict) and top.key is None:
            self.refuse(line, "a key is not a plain word")
        if len(self.stack) >= MAX_DEPTH:
            self.refuse(line, f"it is nested more than {MAX_DEPTH} levels deep")
        path = self.place(container, line)
        self.stack.append(_Open(container, path))

    def scalar(self, event: ScalarEvent, line: int) -> None:
        self.plain(event, line)
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.container, dict) and top.key is None:
            if event.value in top.container:
                self.refuse(line, f"the key {event.value!r} stands twice in one place")
            top.key = event.value
            return
        # implicit[0] is true for plain scalars alone: quoted ones are always text.
        self.place(_plain_value(event.value) if event.implicit[0] else event.value, line)

    def place(self, value: object, line: int) -> Path:
        """Puts a value into the open collection; its path."""
        if not self.stack:
            self.root = value
            self.lines[()] = line
            return ()
        top = self.stack[-1]
        if isinstance(top.container, list):
            path: Path = (*top.path, len(top.container))
            top.container.append(value)
        else:
            path = (*top.path, top.key or "")
            top.container[top.key or ""] = value
            top.key = None
        self.lines[path] = line
        return path

    def refuse(self, line: int, why: str) -> NoReturn:
        raise Refused(
            "RP036",
            "The file uses YAML that replank never writes",
            why,
            "Make the file again; replank reads only what it wrote itself.",
            where=f"{self.where}:{line}",
        )


def _plain_value(text: str) -> object:
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read_yaml(data: bytes, *, where: str) -> YamlDocument:
    """The one mapping in `data` (UTF-8).

    Raises `Refused` RP032 (not YAML, cut off, no mapping) or RP036 (YAML that replank never writes). `where`
    names the file; messages add the line.
    """
    if len(data) > MAX_BYTES:
        raise _broken(f"it is larger than {MAX_BYTES // 1024 // 1024} MiB", where)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(f"byte {error.start} is not UTF-8", where) from error
    builder = _Builder(where)
    for event in _events(text, where):
        builder.feed(event)
    if not isinstance(builder.root, dict):
        raise _broken("it holds no mapping of keys to values", where)
    return YamlDocument(builder.root, builder.lines)


def _events(text: str, where: str) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", "") or "unreadable characters")
        line = f":{mark.line + 1}" if mark is not None else ""
        raise _broken(problem, f"{where}{line}") from error
    except (ValueError, IndexError, AttributeError, TypeError, AssertionError) as error:
        # PyYAML's own scanner lets these escape on some malformed directives and escapes.
        raise _broken(f"the parser gave up ({type(error).__name__})", where) from error


def _broken(why: str, where: str) -> Refused:
    return Refused(
        "RP032",
        "The file is not readable YAML",
        why,
        "Make the file again; if it was copied, copy it whole.",
        where=where,
    )
