"""Fluentd's configuration (v1 format): sections, parameters, `@include`, embedded Ruby as far as it reads
ENV.

Source: docs of Fluentd 1.x, "Config File Syntax"; `lib/fluent/config/v1_parser.rb`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from replank.inventory.log_agents.agent import Place
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer

DEEPEST_INCLUDE = 20

_ENV = re.compile(
    r"""\A\s*ENV(?:\[(?P<q>['"])(?P<name>\w+)(?P=q)\]|\.fetch\((?P<r>['"])(?P<fetched>\w+)(?P=r)"""
    r"""(?:\s*,\s*(?P<s>['"])(?P<fallback>[^'"]*)(?P=s))?\))"""
    r"""(?:\s*\|\|\s*(?:(?P<t>['"])(?P<default>[^'"]*)(?P=t)|(?P<word>\w+)))?\s*\Z"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """`name value`. `value` None: it depends on something that is not known here."""

    name: str
    value: str | None = field(repr=False)
    file: MountedFile
    line: int

    @property
    def place(self) -> Place:
        return self.file.place(self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`<name argument> ... </name>`. Lines from 1, those of the two tags."""

    name: str
    argument: str
    file: MountedFile
    line: int
    end: int
    parameters: tuple[Parameter, ...] = ()
    sections: tuple[Section, ...] = ()

    def parameter(self, name: str) -> Parameter | None:
        """The last one of that name, as Fluentd has it."""
        found = [parameter for parameter in self.parameters if parameter.name == name]
        return found[-1] if found else None

    def value(self, name: str, default: str = "") -> str:
        """Raises `Refused` RP482 where the value depends on something that is not known here."""
        found = self.parameter(name)
        if found is None:
            return default
        if found.value is None:
            raise unreadable(
                "RP482", f"`{name}` depends on an environment variable or on Ruby", str(found.place)
            )
        return default if found.value in ("use_default", "use_nil") else found.value

    def named(self, name: str) -> Iterator[Section]:
        return (section for section in self.sections if section.name == name)


@dataclass(slots=True)
class _Open:
    name: str
    argument: str
    file: MountedFile
    line: int
    parameters: list[Parameter] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


class Reader:
    """Reads a configuration with all that it includes, as the container sees it."""

    def __init__(self, files: Files, container: AgentContainer) -> None:
        self._files = files
        self._env = container.env
        self._env_names = frozenset(container.env_names)
        self._more_env = container.env_from

    def read(self, file: MountedFile) -> Section:
        """The whole configuration as one section without a name.

        Raises `Refused` RP480 (syntax), RP481 (an include that cannot be resolved), RP486 (a source not
        given).
        """
        root = _Open(name="", argument="", file=file, line=0)
        self._into(root, file, 0)
        return _closed(root, 0)

    def _into(self, top: _Open, file: MountedFile, depth: int) -> None:
        if depth > DEEPEST_INCLUDE:
            raise unreadable("RP481", "files include each other", str(file.place(0)))
        stack = [top]
        for number, line in _logical_lines(file):
            if line.startswith("</"):
                name = line[2:].rstrip(">").strip()
                if len(stack) < 2 or stack[-1].name != name:
                    raise unreadable("RP480", f"`</{name}>` closes nothing", str(file.place(number)))
                closed = _closed(stack.pop(), number)
                stack[-1].sections.append(closed)
            elif opened := re.match(r"<(\w+)\s*(.*?)>\s*(?:#.*)?\Z", line):
                argument = self.value(opened[2].strip())
                stack.append(_Open(name=opened[1], argument=argument or "", file=file, line=number))
            elif line.startswith("@include"):
                self._include(stack[-1], file, number, line.removeprefix("@include").strip(), depth)
            else:
                name, *rest = line.split(None, 1)
                value = self.value(rest[0].strip() if rest else "")
                stack[-1].parameters.append(Parameter(name=name, value=value, file=file, line=number))
        if len(stack) > 1:
            where = str(file.place(stack[-1].line))
            raise unreadable("RP480", f"`<{stack[-1].name}>` is not closed", where)

    def _include(self, into: _Open, file: MountedFile, number: int, written: str, depth: int) -> None:
        place = str(file.place(number))
        pattern = self.value(written, keep_affixes=True)
        if pattern is None:
            raise unreadable("RP481", "an include depends on something that is not known here", place)
        path = posixpath.join(posixpath.dirname(file.path), pattern)
        found = self._files.matching(path)
        if not found:
            if self._files.missing:
                raise unreadable("RP486", ", ".join(map(str, self._files.missing)), place)
            if not re.search(r"[*?\[{]", pattern):
                raise unreadable("RP481", f"`{posixpath.normpath(path)}` is not mounted", place)
        for included in found:
            self._into(into, included, depth + 1)

    def value(self, text: str, *, keep_affixes: bool = False) -> str | None:
        """A value as Fluentd takes it: without quotes, without a comment, with ENV put in."""
        embedded = re.match(r'\A"([^"#]*)#\{(.*)\}([^"]*)"([^"]*)\Z', text)
        if embedded:
            inner = self._ruby(embedded[2])
            if inner is None:
                return None
            return f"{embedded[1]}{inner}{embedded[3]}{embedded[4] if keep_affixes else ''}"
        if text.startswith('"'):
            ended = re.match(r'"((?:[^"\\]|\\.)*)"', text)
            text = ended[1] if ended else text[1:]
            return None if "#{" in text else text
        if text.startswith("'"):
            ended = re.match(r"'((?:[^'\\]|\\.)*)'", text)
            return ended[1] if ended else text[1:]
        return re.sub(r"(^|\s)#.*\Z", "", text).strip()

    def _ruby(self, code: str) -> str | None:
        found = _ENV.match(code)
        if found is None:
            return None
        name = found["name"] or found["fetched"]
        if name in self._env:
            return self._env[name]
        if name in self._env_names or self._more_env:
            return None
        return next((found[key] for key in ("fallback", "default", "word") if found[key] is not None), None)


def _closed(found: _Open, end: int) -> Section:
    return Section(
        name=found.name,
        argument=found.argument,
        file=found.file,
        line=found.line,
        end=end,
        parameters=tuple(found.parameters),
        sections=tuple(found.sections),
    )


def _logical_lines(file: MountedFile) -> Iterator[tuple[int, str]]:
    """Lines without comments and empty ones; an array or hash that goes on is put into one."""
    pending, began = "", 0
    for number, raw in enumerate(file.text.splitlines(), start=1):
        line = raw.strip()
        if not pending and (not line or line.startswith("#")):
            continue
        pending, began = (f"{pending} {line}", began) if pending else (line, number)
        if _goes_on(pending):
            continue
        yield began, pending
        pending = ""
    if pending:
        yield began, pending


def _goes_on(line: str) -> bool:
    value = line.partition(" ")[2].strip()
    if not value.startswith(("[", "{")):
        return False
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", value)
    return bare.count("[") > bare.count("]") or bare.count("{") > bare.count("}")


def tag_pattern(pattern: str) -> Callable[[str], bool]:
    """A matcher for the pattern of `<match>` or `<filter>`: several by spaces, `*` one part, `**` any,
    `{a,b}`.
    """
    alternatives = [_tag_expression(part) for part in pattern.split()] or [re.compile(r".*")]
    return lambda tag: any(found.fullmatch(tag) for found in alternatives)


def _tag_expression(part: str) -> re.Pattern[str]:
    text = re.escape(part).replace(r"\{", "{").replace(r"\}", "}")
    text = text.replace(r"\.\*\*", r"(?:\..*)?").replace(r"\*\*\.", r"(?:.*\.)?").replace(r"\*\*", ".*")
    text = text.replace(r"\*", r"[^.]*")
    text = re.sub(r"\{([^{}]*)\}", lambda m: "(?:" + "|".join(m[1].split(",")) + ")", text)
    try:
        return re.compile(text)
    except re.error as error:
        raise unreadable("RP480", "a tag pattern cannot be read") from error
