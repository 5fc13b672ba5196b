"""The syntax of Alloy and Grafana Agent Flow: blocks and attributes; expressions are kept as text.

Source: Alloy's documentation, "Configuration syntax"; `syntax/scanner`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from replank.inventory.log_agents.mounted import MountedFile
from replank.inventory.log_agents.refusals import unreadable

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+)|(?P<newline>\n)|(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<word>[A-Za-z_][\w]*)|(?P<other>.)""",
    re.DOTALL,
)
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """`name = expression`. `expression`: as written; it may hold secrets, and is not shown."""

    name: str
    expression: str = field(repr=False)
    line: int

    def text(self) -> str | None:
        """The value of a string literal, None for any other expression."""
        return literal(self.expression.strip())

    def references(self) -> tuple[str, ...]:
        """`component.kind.label` of what the expression refers to, without exported fields."""
        bare = re.sub(r'"(?:[^"\\]|\\.)*"|`[^`]*`', "", self.expression)
        found = re.findall(r"\b([a-z_]\w*(?:\.\w+)+)\.(?:targets|output|receiver|rules)\b", bare)
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`name "label" { ... }`. `line`, `end`: of its first word and of its closing brace; `column` from 0."""

    name: str
    label: str
    line: int
    column: int
    end: int
    attributes: tuple[Attribute, ...] = ()
    blocks: tuple[Block, ...] = ()

    @property
    def address(self) -> str:
        return f"{self.name}.{self.label}" if self.label else self.name

    def attribute(self, name: str) -> Attribute | None:
        return next((found for found in self.attributes if found.name == name), None)

    def text(self, name: str, default: str = "") -> str:
        """A string attribute; `default` where it is missing or an expression."""
        found = self.attribute(name)
        value = found.text() if found else None
        return default if value is None else value


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int
    column: int


def literal(text: str) -> str | None:
    """A string literal's value."""
    if len(text) >= 2 and text[0] == text[-1] == "`":
        return text[1:-1]
    if re.fullmatch(r'"(?:[^"\\]|\\.)*"', text):
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text[1:-1])
    return None


def string_map(expression: str) -> dict[str, str]:
    """The string values of an object literal `{ a = "b", "c" = "d" }`; others are left out."""
    found: dict[str, str] = {}
    pattern = r'(?:([A-Za-z_]\w*)|("(?:[^"\\]|\\.)*"))\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)'
    for name, quoted, value in re.findall(pattern, expression):
        found[name or literal(quoted) or ""] = literal(value) or ""
    return found


def parse(file: MountedFile) -> tuple[Block, ...]:
    """The blocks of a file. Raises `Refused` RP480."""
    parser = _Parser(file, list(_tokens(file.text)))
    _, blocks = parser.body(top=True)
    return blocks


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """All blocks, those inside of others too."""
    for block in blocks:
        yield block
        yield from walk(block.blocks)


class _Parser:
    def __init__(self, file: MountedFile, tokens: list[_Token]) -> None:
        self._file = file
        self._tokens = tokens
        self._at = 0

    def body(self, *, top: bool = False) -> tuple[tuple[Attribute, ...], tuple[Block, ...]]:
        attributes: list[Attribute] = []
        blocks: list[Block] = []
        while (token := self._next()) is not None:
            if token.text == "}" and not top:
                return tuple(attributes), tuple(blocks)
            if token.kind == "newline" or token.text in (";", ","):
                continue
            if token.kind != "word":
                raise self._wrong(token)
            name = token.text
            while self._peek() == "." and self._next() is not None:
                part = self._next()
                name += f".{part.text if part else ''}"
            if self._peek() == "=":
                self._next()
                attributes.append(Attribute(name=name, expression=self._expression(), line=token.line))
            else:
                blocks.append(self._block(name, token))
        if not top:
            raise unreadable("RP480", "a block is not closed", str(self._file.place(0)))
        return tuple(attributes), tuple(blocks)

    def _block(self, name: str, first: _Token) -> Block:
        token = self._next()
        label = ""
        if token is not None and token.kind == "text":
            label = literal(token.text) or ""
            token = self._next()
        if token is None or token.text != "{":
            raise self._wrong(token or first)
        attributes, blocks = self.body()
        end = self._tokens[self._at - 1].line
        return Block(
            name=name,
            label=label,
            line=first.line,
            column=first.column,
            end=end,
            attributes=attributes,
            blocks=blocks,
        )

    def _expression(self) -> str:
        """Until the line ends outside of brackets, or the block does."""
        found, depth = "", 0
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if depth == 0 and (token.kind == "newline" or token.text in ("}", ",")) and found.strip():
                break
            if token.kind == "other":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
            found += token.text
            self._at += 1
        return found.strip()

    def _next(self) -> _Token | None:
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.kind not in ("space", "comment"):
                return token
        return None

    def _peek(self) -> str:
        at = self._at
        while at < len(self._tokens) and self._tokens[at].kind in ("space", "comment"):
            at += 1
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _wrong(self, token: _Token) -> Exception:
        return unreadable("RP480", "it is not Alloy's syntax", str(self._file.place(token.line)))


def _tokens(text: str) -> Iterator[_Token]:
    line, began = 1, 0
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or "other"
        yield _Token(kind, found.group(), line, found.start() - began)
        if "\n" in found.group():
            line += found.group().count("\n")
            began = found.start() + found.group().rindex("\n") + 1
