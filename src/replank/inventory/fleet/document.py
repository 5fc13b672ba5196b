"""fleet.yaml as plain values, each with the line and column it stands at.

Made from ruamel.yaml's nodes, not from its constructed objects: so every key and value has a position, no tag
can construct anything, and a document can be refused before it is expanded. YAML 1.2: `yes` is a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON

# A fleet of 1,000 clusters has some 50,000 values; more come only from aliases that multiply.
_MAX_VALUES: Final = 1_000_000
_MAX_DEPTH: Final = 50

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A key that stands twice in one mapping."""

    path: Path
    first: Position
    second: Position


@dataclass(slots=True)
class Document:
    """The values of a YAML file. `keys`, `values`: where the key of a path and its value stand."""

    value: JSON = None
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)

    def position(self, path: Path) -> Position:
        """Where `path` stands, or the nearest thing around it."""
        while path and path not in self.keys and path not in self.values:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or Position(1, 1)


def read_document(text: str, *, path: str) -> Document:
    """The YAML document in `text`. `path`: for messages.

    Raises `Refused` RP010 for what is not one YAML document of plain values.
    """
    try:
        # The C parser would be faster, but it knows YAML 1.1 only.
        node = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise _unreadable(error, text, path) from error
    document = Document()
    if node is not None:
        document.value = _Reader(document, path).read(node, ())
    return document


def _unreadable(error: Exception, text: str, path: str) -> Refused:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else path
    problem = getattr(error, "problem", None) or "it holds what YAML does not allow"
    if isinstance(error, ReaderError):
        before = text[: error.position]
        where = f"{path}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
        problem = f"the character U+{error.character:04X} is not allowed in YAML"
    return Refused(
        "RP010",
        "fleet.yaml is not YAML",
        " ".join(str(problem).split()),
        "Mend that line; `replank init` writes a commented example.",
        where=where,
    )


class _Reader:
    """Turns nodes into values and notes positions. One use for one document."""

    def __init__(self, document: Document, path: str) -> None:
        self._document = document
        self._path = path
        self._count = 0

    def read(self, node: Node, path: Path) -> JSON:
        self._count += 1
        if self._count > _MAX_VALUES or len(path) > _MAX_DEPTH:
            # An alias inside of what it names has no end; neither have aliases of aliases of aliases.
            raise self._refuse(node, "it is nested too deeply or its aliases multiply without end")
        self._document.values.setdefault(path, _position(node))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            return [self.read(child, (*path, i)) for i, child in enumerate(node.value)]
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        raise self._refuse(node, "it holds a value of an unknown kind")

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        merged: dict[str, JSON] = {}
        for key_node, child in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._refuse(key_node, "a key is not a plain text")
            key = str(key_node.value)
            here = (*path, key)
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged = {**self._merge(child, path), **merged}
            elif key in found:
                first = self._document.keys[here]
                self._document.duplicates.append(Duplicate(here, first, _position(key_node)))
            else:
                # A merged-in key may have left its position; the key written here is nearer.
                self._document.keys[here] = _position(key_node)
                self._document.values.pop(here, None)
                found[key] = self.read(child, here)
        return {**merged, **found}

    def _merge(self, node: Node, path: Path) -> Mapping[str, JSON]:
        """`<<: *name` or `<<: [*a, *b]`, where the first one wins."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, JSON] = {}
        for part in parts:
            if not isinstance(part, MappingNode):
                raise self._refuse(node, "`<<` merges something that is not a mapping")
            value = self.read(part, (*path, "<<"))
            merged = {**value, **merged} if isinstance(value, dict) else merged
        return merged

    def _scalar(self, node: ScalarNode) -> JSON:
        text, kind = str(node.value), str(node.tag).rpartition(":")[2]
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        try:
            if kind == "int":
                return int(text.replace("_", ""), 0)
            if kind == "float":
                return float(text.replace("_", ""))
        except ValueError:
            return text  # 0123 and .inf: no place here takes a number of that form
        return text

    def _refuse(self, node: Node, why: str) -> Refused:
        position = _position(node)
        return Refused(
            "RP010",
            "fleet.yaml cannot be used",
            why,
            "Write it with plain mappings, lists and texts; `replank init` writes a commented example.",
            where=f"{self._path}:{position.line}:{position.column}",
        )


def _position(node: Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)
