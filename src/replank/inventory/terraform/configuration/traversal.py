"""`openstack_x.y["k"].network[0].port`: the steps of a traversal, and the resource that they name.

Read from tree-sitter's tree of an HCL expression (grammar tree-sitter-hcl 1.2). Nothing is evaluated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tree_sitter import Node

from replank.inventory.facts.configuration import Key
from replank.inventory.terraform.attributes import is_openstack
from replank.inventory.terraform.configuration.parsed import Mention

ADDRESS_BLOCKS: Final = frozenset(["moved", "removed", "import"])
"""Blocks whose arguments are addresses, of child modules too."""

_COMPUTED: Final[dict[str, Key]] = {"count.index": "count.index", "each.key": "each.key"}


@dataclass(frozen=True, slots=True)
class Index:
    """A literal in brackets."""

    value: int | str


@dataclass(frozen=True, slots=True)
class Picked:
    """Brackets without a literal: `[*]` and `.*` are "every"."""

    key: Key


Step = str | Index | Picked
"""A text is `.name`."""


@dataclass(frozen=True, slots=True)
class Traversal:
    """`line`: where it begins, from 1."""

    line: int
    steps: tuple[Step, ...]


def traversals(node: Node) -> Iterator[Traversal]:
    """All traversals below `node`, those inside of brackets and templates too."""
    open_steps: list[Step] = []
    line = 0
    for child in node.named_children:
        if child.type == "comment":
            continue
        if child.type in ("get_attr", "index", "splat") and open_steps:
            open_steps += _steps(child)
        else:
            if open_steps:
                yield Traversal(line, tuple(open_steps))
            open_steps, line = [], child.start_point.row + 1
            if child.type == "variable_expr":
                open_steps = [text_of(child)]
        if child.type != "variable_expr":
            yield from traversals(child)
    if open_steps:
        yield Traversal(line, tuple(open_steps))


def text_of(node: Node) -> str:
    """The source text of a node."""
    return (node.text or b"").decode("utf-8", "replace")


def plain_text(node: Node) -> str | None:
    """The value of a `string_lit`; None if it is none, or holds an escape."""
    text = text_of(node)
    if node.type != "string_lit" or "\\" in text:
        return None
    return text[1:-1].replace("$${", "${").replace("%%{", "%{")


def _steps(node: Node) -> Iterator[Step]:
    if node.type == "get_attr":
        yield text_of(node.named_children[0])
    elif node.type == "splat":
        yield Picked("every")
        for inner in node.named_children:
            for step in inner.named_children:
                yield from _steps(step)
    elif node.type == "index":
        yield _index(node.named_children[0])


def _index(node: Node) -> Step:
    """`legacy_index` is `.0`; `new_index` holds one expression."""
    if node.type == "legacy_index":
        return _number(text_of(node).lstrip("."))
    inside = node.named_children[0]
    said = text_of(inside).strip()
    value = inside.named_children[0] if inside.named_child_count == 1 else None
    if value is not None and value.type == "literal_value":
        literal = value.named_children[0]
        if literal.type == "numeric_lit":
            return _number(text_of(literal))
        text = plain_text(literal)
        if text is not None:
            return Index(text)
    return Picked(_COMPUTED.get(said, "expression"))


def _number(text: str) -> Step:
    return Index(int(text)) if text.isascii() and text.isdecimal() else Picked("expression")


def mention(traversal: Traversal, *, inside: str, argument: str) -> Mention | None:
    """The resource of terraform-provider-openstack that a traversal names, if it names one.

    `module.a["k"].openstack_x.y` is an address only in moved, removed and import blocks; elsewhere it is an
    output of a module that happens to be called so.
    """
    module, rest = _module(traversal.steps) if inside in ADDRESS_BLOCKS else ("", traversal.steps)
    if len(rest) < 2:
        return None
    kind, name = rest[0], rest[1]
    if not isinstance(kind, str) or not isinstance(name, str) or not is_openstack(kind):
        return None
    found = Mention(
        line=traversal.line, inside=inside, argument=argument, type=kind, name=name, module=module
    )
    after = rest[2:]
    match after[0] if after else "":
        case Index(value):
            found, after = replace(found, key="key", index=value), after[1:]
        case Picked(key):
            found, after = replace(found, key=key), after[1:]
        case _:
            pass
    attribute = _attribute(after)
    return replace(found, attribute=attribute, more=len(attribute) < len(after))


def _module(steps: Sequence[Step]) -> tuple[str, Sequence[Step]]:
    names = []
    while len(steps) > 1 and steps[0] == "module" and isinstance(steps[1], str):
        names.append(f"module.{steps[1]}")
        steps = steps[2:]
        if steps and not isinstance(steps[0], str):
            steps = steps[1:]  # the module's instance key
    return ".".join(names), steps


def _attribute(steps: Sequence[Step]) -> tuple[str | int, ...]:
    """The steps until the first that is no literal."""
    found: list[str | int] = []
    for step in steps:
        if isinstance(step, Picked):
            break
        found.append(step.value if isinstance(step, Index) else step)
    return tuple(found)
