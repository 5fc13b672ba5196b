"""One file in JSON syntax (`*.tf.json`, `*.tofu.json`).

Source: Terraform, "JSON Configuration Syntax": labels are nested objects, a block that stands several times
is a list, texts are templates, and the meta-arguments below hold addresses instead.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import tree_sitter_json
from tree_sitter import Language, Node, Parser

from replank.inventory.terraform.attributes import is_openstack
from replank.inventory.terraform.configuration.hcl import address_mentions, template_mentions
from replank.inventory.terraform.configuration.parsed import (
    Mention,
    ModuleCall,
    NotParsed,
    ParsedFile,
    Repeated,
    ResourceBlock,
    local_source,
)
from replank.inventory.terraform.configuration.traversal import ADDRESS_BLOCKS, text_of

_LANGUAGE: Final = Language(tree_sitter_json.language())
_ADDRESSES: Final = frozenset(["depends_on", "replace_triggered_by", "ignore_changes", "provider"])
_LABELS: Final = {"resource": 2, "data": 2, "ephemeral": 2, "module": 1, "output": 1, "variable": 1}
_COMMENT: Final = "//"


@dataclass(frozen=True, slots=True)
class _Block:
    """A block's name and body. `first`, `last`: its lines."""

    words: tuple[str, ...]
    body: Node
    first: int
    last: int


def parse_json(data: bytes) -> ParsedFile:
    """The file. Raises `NotParsed`."""
    root = Parser(_LANGUAGE).parse(data.removeprefix(b"\xef\xbb\xbf")).root_node
    _check(data, root)
    blocks: list[ResourceBlock] = []
    modules: list[ModuleCall] = []
    mentions: list[Mention] = []
    for block in _blocks(root.named_children[0]):
        mentions += _mentions(block)
        match block.words:
            case ("resource", kind, name) if is_openstack(kind):
                blocks.append(_resource(block, kind, name))
            case ("module", name):
                modules.append(ModuleCall(name=name, source=local_source(_source(block.body))))
            case _:
                pass
    return ParsedFile(
        lines=len(data.splitlines()), blocks=tuple(blocks), modules=tuple(modules), mentions=tuple(mentions)
    )


def _check(data: bytes, root: Node) -> None:
    """tree-sitter's grammar takes more than JSON (comments, several values)."""
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        raise NotParsed(error.lineno) from error
    except (ValueError, RecursionError) as error:
        raise NotParsed(1) from error
    if not isinstance(value, dict) or root.has_error or root.named_child_count != 1:
        raise NotParsed(1)


def _blocks(top: Node) -> Iterator[_Block]:
    for kind, pair, value in _pairs(top):
        yield from _labelled((kind,), _LABELS.get(kind, 0), pair, value)


def _labelled(words: tuple[str, ...], labels: int, pair: Node, value: Node) -> Iterator[_Block]:
    if value.type == "array":
        for item in value.named_children:
            yield from _labelled(words, labels, item, item)
    elif labels:
        for label, inner, body in _pairs(value):
            yield from _labelled((*words, label), labels - 1, inner, body)
    else:
        yield _Block(words, value, pair.start_point.row + 1, pair.end_point.row + 1)


def _pairs(node: Node) -> Iterator[tuple[str, Node, Node]]:
    """Key, the whole pair, value."""
    for pair in node.named_children if node.type == "object" else ():
        if pair.type == "pair":
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if key is not None and value is not None and _text(key) != _COMMENT:
                yield _text(key), pair, value


def _text(node: Node) -> str:
    """The value of a JSON string; other values as they are written."""
    text = text_of(node)
    return str(json.loads(text)) if node.type == "string" else text


def _resource(block: _Block, kind: str, name: str) -> ResourceBlock:
    names = {key for key, _, _ in _pairs(block.body)}
    repeated: Repeated = "count" if "count" in names else "for_each" if "for_each" in names else ""
    return ResourceBlock(
        type=kind, name=name, first_line=block.first, last_line=block.last, repeated=repeated
    )


def _source(body: Node) -> str:
    return next((_text(value) for key, _, value in _pairs(body) if key == "source"), "")


def _mentions(block: _Block) -> Iterator[Mention]:
    kind = block.words[0]
    if kind == "locals":
        for name, _, value in _pairs(block.body):
            yield from _inside(value, f"local.{name}", (), addresses=False)
        return
    inside = ".".join(block.words[1:] if kind == "resource" else block.words)
    yield from _inside(block.body, inside, (), addresses=kind in ADDRESS_BLOCKS)


def _inside(node: Node, inside: str, path: tuple[str, ...], *, addresses: bool) -> Iterator[Mention]:
    if node.type == "string":
        where: Mapping[str, str] = {"inside": inside, "argument": ".".join(path)}
        line = node.start_point.row + 1
        read = address_mentions if addresses else template_mentions
        yield from read(_text(node), line=line, **where)
    elif node.type == "object":
        for key, pair, value in _pairs(node):
            # A key of an object may be a template too.
            line = pair.start_point.row + 1
            yield from template_mentions(key, line=line, inside=inside, argument=".".join(path))
            below = (*path, key) if key not in ("dynamic", "content") else path
            yield from _inside(value, inside, below, addresses=addresses or key in _ADDRESSES)
    else:
        for child in node.named_children:
            yield from _inside(child, inside, path, addresses=addresses)
