"""One file in HCL's own syntax.

tree-sitter with its grammar for HCL, not a parser in Python: it gives the place of every expression, takes
what Terraform takes (a BOM, `%{~ … ~}`, blanks behind a heredoc's end) and needs milliseconds for a thousand
lines. python-hcl2 8.1.4 refuses all three, and names outside of ASCII, and needs a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from replank.inventory.terraform.attributes import is_openstack
from replank.inventory.terraform.configuration.parsed import (
    Mention,
    ModuleCall,
    NotParsed,
    ParsedFile,
    Repeated,
    ResourceBlock,
    local_source,
)
from replank.inventory.terraform.configuration.traversal import (
    Traversal,
    mention,
    plain_text,
    text_of,
    traversals,
)

_LANGUAGE: Final = Language(tree_sitter_hcl.language())
_MARKER: Final = "REPLANK_TEMPLATE"


def parse_hcl(data: bytes) -> ParsedFile:
    """The file. Raises `NotParsed`."""
    root = _tree(data)
    blocks: list[ResourceBlock] = []
    modules: list[ModuleCall] = []
    mentions: list[Mention] = []
    for block in _blocks(root):
        words = _words(block)
        body = _body(block)
        mentions += _mentions(words, body)
        match words:
            case ["resource", kind, name] if is_openstack(kind):
                blocks.append(_resource(block, kind, name, body))
            case ["module", name]:
                modules.append(ModuleCall(name=name, source=local_source(_source(body))))
            case _:
                pass
    return ParsedFile(
        lines=len(data.splitlines()), blocks=tuple(blocks), modules=tuple(modules), mentions=tuple(mentions)
    )


def template_mentions(text: str, *, line: int, inside: str, argument: str) -> Iterator[Mention]:
    """What a template (a text with `${…}`) names. A text that is no template names nothing."""
    # In a heredoc quotes stand for themselves, as they do in a text that JSON has unquoted.
    source = f"t = <<{_MARKER}\n{text.replace(_MARKER, '')}\n{_MARKER}\n"
    yield from _found(source, line=line, inside=inside, argument=argument)


def address_mentions(text: str, *, line: int, inside: str, argument: str) -> Iterator[Mention]:
    """What a text names that is an address as it stands (`depends_on` in JSON)."""
    yield from _found(f"t = {text}\n", line=line, inside=inside, argument=argument)


def _found(source: str, *, line: int, inside: str, argument: str) -> Iterator[Mention]:
    tree = Parser(_LANGUAGE).parse(source.encode("utf-8", "replace"))
    if tree.root_node.has_error:
        return
    for traversal in traversals(tree.root_node):
        found = mention(Traversal(line, traversal.steps), inside=inside, argument=argument)
        if found is not None:
            yield found


def _tree(data: bytes) -> Node:
    root = Parser(_LANGUAGE).parse(data).root_node
    if root.has_error:
        raise NotParsed(_first_error(root).start_point.row + 1)
    return root


def _first_error(node: Node) -> Node:
    """The innermost first node in which the error lies."""
    for child in node.children:
        if child.is_error or child.is_missing:
            return child
        if child.has_error:
            return _first_error(child)
    return node


def _blocks(root: Node) -> Iterator[Node]:
    for body in root.named_children:
        if body.type == "body":
            yield from (child for child in body.named_children if child.type == "block")


def _words(block: Node) -> list[str]:
    """Type and labels: `resource`, `openstack_x`, `y`. Labels may stand without quotes."""
    words = []
    for child in block.named_children:
        if child.type == "identifier":
            words.append(text_of(child))
        elif child.type == "string_lit":
            words.append(plain_text(child) or "")
        elif child.type == "block_start":
            break
    return words


def _body(block: Node) -> Node | None:
    return next((child for child in block.named_children if child.type == "body"), None)


def _attributes(body: Node | None) -> Iterator[tuple[str, Node]]:
    for child in body.named_children if body is not None else ():
        if child.type == "attribute":
            yield text_of(child.named_children[0]), child


def _resource(block: Node, kind: str, name: str, body: Node | None) -> ResourceBlock:
    names = {name for name, _ in _attributes(body)}
    repeated: Repeated = "count" if "count" in names else "for_each" if "for_each" in names else ""
    return ResourceBlock(
        type=kind,
        name=name,
        first_line=block.start_point.row + 1,
        last_line=block.end_point.row + 1,
        repeated=repeated,
    )


def _source(body: Node | None) -> str:
    for name, attribute in _attributes(body):
        if name == "source":
            literal = _expression(attribute)
            while literal is not None and literal.type in ("expression", "literal_value"):
                literal = literal.named_children[0] if literal.named_child_count == 1 else None
            return (plain_text(literal) or "") if literal is not None else ""
    return ""


def _expression(attribute: Node) -> Node | None:
    return next((child for child in attribute.named_children if child.type == "expression"), None)


def _mentions(words: list[str], body: Node | None) -> Iterator[Mention]:
    if body is None:
        return
    if words[0] == "locals":
        for name, attribute in _attributes(body):
            yield from _of_attribute(attribute, f"local.{name}", "")
        return
    # `resource "a" "b"` is known by its address.
    inside = ".".join(words[1:] if words[0] == "resource" else words)
    yield from _inside(body, inside, ())


def _inside(body: Node, inside: str, path: tuple[str, ...]) -> Iterator[Mention]:
    for child in body.named_children:
        if child.type == "attribute":
            here = ".".join((*path, text_of(child.named_children[0])))
            yield from _of_attribute(child, inside, here)
        elif child.type == "block" and (inner := _body(child)) is not None:
            yield from _inside(inner, inside, (*path, *_nested(child)))


def _nested(block: Node) -> tuple[str, ...]:
    """`dynamic "network" { content {…} }` is `network`."""
    words = _words(block)
    if words[0] == "dynamic" and len(words) > 1:
        return (words[1],)
    return () if words == ["content"] else (words[0],)


def _of_attribute(attribute: Node, inside: str, argument: str) -> Iterator[Mention]:
    expression = _expression(attribute)
    for traversal in traversals(expression) if expression is not None else ():
        found = mention(traversal, inside=inside, argument=argument)
        if found is not None:
            yield found
