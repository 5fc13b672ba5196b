"""Fluent Bit's configuration, classic and YAML, as sections of settings.

Source: Fluent Bit 1.x to 4.x, `src/config_format/flb_cf_fluentbit.c` and `flb_cf_yaml.c`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.comments import CommentedSeq

from replank.inventory.log_agents.agent import Place
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer, mount_of
from replank.inventory.log_agents.yaml_text import item_line, items, key_line, load, mapping

DEEPEST_INCLUDE = 20
ON = ("on", "true", "yes", "1")
IMAGE_PARSERS = "/fluent-bit/etc/parsers.conf"
_BUILTIN_PARSERS = r"""[PARSER]
    Name docker
    Format json
    Time_Key time
    Time_Format %Y-%m-%dT%H:%M:%S.%L
[PARSER]
    Name cri
    Format regex
    Regex ^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<message>.*)$
    Time_Key time
    Time_Format %Y-%m-%dT%H:%M:%S.%L%z
[PARSER]
    Name json
    Format json
    Time_Key time
"""
"""Those of the image's parsers.conf that concern containers (Fluent Bit `conf/parsers.conf`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """`key`: in lower case. `value` None: it depends on a variable that is not known here."""

    key: str
    value: str | None = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section: an input, a filter, a parser. `kind`: in lower case. `end`: its last line with a setting."""

    kind: str
    file: MountedFile
    line: int
    end: int
    settings: tuple[Setting, ...]

    def all(self, key: str) -> tuple[str, ...]:
        """Raises `Refused` RP482 where a value is not known."""
        found = [setting for setting in self.settings if setting.key == key]
        for setting in found:
            if setting.value is None:
                place = str(self.file.place(setting.line))
                raise unreadable("RP482", f"`{key}` depends on a variable that is not known here", place)
        return tuple(setting.value for setting in found if setting.value is not None)

    def value(self, key: str, default: str = "") -> str:
        found = self.all(key)
        return found[-1] if found else default

    def is_on(self, key: str) -> bool:
        return self.value(key).lower() in ON

    @property
    def place(self) -> Place:
        return self.file.place(self.line)


class Reader:
    """Reads a configuration with what it includes, and the files of parsers that it names."""

    def __init__(self, container: AgentContainer, files: Files) -> None:
        self._container = container
        self._files = files
        self._variables = dict(container.env)
        self._parts: list[Part] = []
        self._parser_files: list[str] = []

    def read(self, file: MountedFile) -> tuple[Part, ...]:
        """All sections. Raises `Refused` RP480, RP481, RP482, RP486."""
        self._file(file, 0)
        for part in list(self._parts):
            if part.kind == "service":
                self._parser_files += [*part.all("parsers_file"), *part.all("parsers-file")]
        for name in dict.fromkeys(self._parser_files):
            self._parsers(posixpath.dirname(file.path), name)
        return tuple(self._parts)

    def _file(self, file: MountedFile, depth: int) -> None:
        if depth > DEEPEST_INCLUDE:
            raise unreadable("RP481", "files include each other", str(file.place(0)))
        if file.path.endswith((".yaml", ".yml")):
            self._yaml(file, depth)
        else:
            self._classic(file, depth)

    def _classic(self, file: MountedFile, depth: int) -> None:
        kind, began, settings = "", 0, list[Setting]()
        for number, raw in enumerate(file.text.splitlines(), start=1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            if line.startswith("[") and line.endswith("]"):
                self._add(kind, file, began, settings)
                kind, began, settings = line[1:-1].strip().lower(), number, []
            elif line.upper().startswith("@INCLUDE"):
                self._include(file, number, line[8:].strip(), depth)
            elif line.upper().startswith("@SET"):
                name, _, value = line[4:].strip().partition("=")
                self._variables[name.strip()] = value.strip()
            elif not kind:
                raise unreadable("RP480", "a setting outside of any section", str(file.place(number)))
            else:
                key, *rest = line.split(None, 1)
                written = self._value(rest[0].strip() if rest else "")
                settings.append(Setting(key=key.lower(), value=written, line=number))
        self._add(kind, file, began, settings)

    def _yaml(self, file: MountedFile, depth: int) -> None:
        document = load(file)
        for name, value in mapping(document.get("env")).items():
            self._variables[str(name)] = str(value)
        for pattern in items(document.get("includes")):
            self._include(file, key_line(document, "includes"), str(pattern), depth)
        pipeline = mapping(document.get("pipeline"))
        for kind, found in (
            *(("input", entry) for entry in _entries(pipeline, "inputs")),
            *(("filter", entry) for entry in _entries(pipeline, "filters")),
            *(("parser", entry) for entry in _entries(document, "parsers")),
            *(("multiline_parser", entry) for entry in _entries(document, "multiline_parsers")),
            *(
                [("service", (key_line(document, "service"), document["service"]))]
                if document.get("service")
                else []
            ),
        ):
            line, entry = found
            settings = [
                Setting(key=str(key).lower(), value=self._value(str(value)), line=key_line(entry, key))
                for key, values in mapping(entry).items()
                for value in items(values)
                if not isinstance(value, dict)
            ]
            self._add(kind, file, line, settings)

    def _add(self, kind: str, file: MountedFile, line: int, settings: list[Setting]) -> None:
        if kind:
            end = max((setting.line for setting in settings), default=line)
            self._parts.append(Part(kind=kind, file=file, line=line, end=end, settings=tuple(settings)))

    def _include(self, file: MountedFile, number: int, pattern: str, depth: int) -> None:
        found = self._files.matching(posixpath.join(posixpath.dirname(file.path), pattern))
        if not found:
            place = str(file.place(number))
            if self._files.missing:
                raise unreadable("RP486", ", ".join(map(str, self._files.missing)), place)
            if "*" not in pattern:
                raise unreadable("RP481", f"`{pattern}` is not mounted", place)
        for included in found:
            self._file(included, depth + 1)

    def _parsers(self, folder: str, name: str) -> None:
        for path in (posixpath.join(folder, name), posixpath.join("/fluent-bit/etc", name)):
            if (file := self._files.get(path)) is not None:
                self._file(file, 1)
                return
            if posixpath.normpath(path) == IMAGE_PARSERS and mount_of(self._container, path) is None:
                builtin = MountedFile(path=path, source=None, key="parsers.conf", text=_BUILTIN_PARSERS)
                self._file(builtin, 1)
                return
        # A file of parsers that is in the image: whoever uses one of them asks for it by name, and is
        # refused.

    def _value(self, text: str) -> str | None:
        missing = [name for name in re.findall(r"\$\{(\w+)\}", text) if name not in self._variables]
        if missing:
            return None
        return re.sub(r"\$\{(\w+)\}", lambda m: self._variables[m[1]], text)


def parts(container: AgentContainer, files: Files) -> tuple[Part, ...]:
    """The whole configuration. Raises `Refused` RP480, RP481, RP482, RP485, RP486."""
    entries = [
        *container.flags,
        "/fluent-bit/etc/fluent-bit.conf",
        "/fluent-bit/etc/conf/fluent-bit.conf",
        "/fluent-bit/etc/fluent-bit.yaml",
        "/fluent-bit/etc/conf/fluent-bit.yaml",
    ]
    return Reader(container, files).read(files.require(entries))


def _entries(found: Mapping[str, Any], key: str) -> Iterator[tuple[int, Any]]:
    entries = found.get(key)
    for index, entry in enumerate(items(entries)):
        yield (item_line(entries, index) if isinstance(entries, CommentedSeq) else 0), entry
