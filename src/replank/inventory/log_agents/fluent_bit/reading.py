"""From Fluent Bit's configuration to its inputs that read container logs.

Sources: Fluent Bit `plugins/in_tail/tail_file.c`, `src/multiline/flb_ml_parser_docker.c`,
`flb_ml_parser_cri.c`.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import Format, LogInput
from replank.inventory.log_agents.decoding import json_content, regexp_content
from replank.inventory.log_agents.expression import compiled
from replank.inventory.log_agents.fluent_bit.configuration import ON, Part, parts
from replank.inventory.log_agents.mounted import Files
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.probes import Content, Decode
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.times import strptime_reads
from replank.inventory.log_agents.workload import AgentContainer

BUILTIN_MULTILINE: Final = ("docker", "cri", "go", "java", "python", "ruby")
_CRI = compiled(r"^(?<time>.+?) (?<stream>stdout|stderr) (?<_p>F|P) (?<log>.*)$")


def inputs(container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480 to RP486."""
    found = parts(container, files)
    return tuple(_input(part, found, container) for part in tails(found, container))


def tails(found: tuple[Part, ...], container: AgentContainer) -> Iterator[Part]:
    """Tail inputs whose paths are container logs. Raises `Refused` RP482."""
    for part in found:
        is_tail = part.kind == "input" and part.value("name").lower() == "tail"
        if is_tail and reads_container_logs(container, _paths(part)):
            yield part


def _paths(part: Part) -> tuple[str, ...]:
    return tuple(path.strip() for path in part.value("path").split(","))


def _input(part: Part, everything: tuple[Part, ...], container: AgentContainer) -> LogInput:
    seen: Fact[tuple[str, ...]]
    decode, joins = _raw(part), tuple[Format, ...]()
    fields: dict[str, str] = {}
    try:
        decode, joins = _decoder(part, everything)
        seen, fields = probes.understood(decode), probes.fields(decode)
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    positions = _or_nothing(part, "db")
    says = [
        f"{setting.key} {setting.value or '(a variable)'}"
        for setting in part.settings
        if setting.key in ("multiline.parser", "parser", "docker_mode")
    ]
    return LogInput(
        name=part.value("alias") or part.value("tag") or "tail",
        place=part.place,
        paths=_paths(part),
        says=tuple(says),
        understood=seen,
        fields=fields,
        joins=joins,
        new_files_from="start" if _or_nothing(part, "read_from_head").lower() in ON else "end",
        positions=positions,
        positions_on=positions_on(container, positions),
    )


def _or_nothing(part: Part, key: str) -> str:
    """A value that decides no format, "" where it is not known: the worse case is taken."""
    found = [setting for setting in part.settings if setting.key == key]
    return (found[-1].value or "") if found else ""


def _decoder(part: Part, everything: tuple[Part, ...]) -> tuple[Decode, tuple[Format, ...]]:
    multiline = [name.strip() for value in part.all("multiline.parser") for name in value.split(",")]
    if multiline:
        joins: list[Format] = [name for name in ("docker", "cri") if name in multiline]
        return _first_of([_multiline(name, everything, part) for name in multiline], _raw(part)), tuple(joins)
    names = part.all("parser")
    if names:
        joined: tuple[Format, ...] = ("docker",) if part.is_on("docker_mode") else ()
        return _first_of([_parser(names[-1], everything, part)], None), joined
    filters = list(_parser_filters(part, everything))
    if filters:
        return _first_of([_parser(name, everything, part) for name in filters], _raw(part)), ()
    return _raw(part), ()


def _parser_filters(part: Part, everything: tuple[Part, ...]) -> Iterator[str]:
    """Parsers that a filter tries on the raw line."""
    tag = part.value("tag", "tail.0").replace("*", "var.log.containers.web-1_shop_web-0123456789abcdef.log")
    key = part.value("key", "log")
    for found in everything:
        matches = fnmatch.fnmatchcase(tag, found.value("match", "*")) if found.kind == "filter" else False
        if matches and found.value("name").lower() == "parser" and found.value("key_name") == key:
            yield from found.all("parser")


def _multiline(name: str, everything: tuple[Part, ...], part: Part) -> Decode:
    if name == "docker":
        return json_content
    if name == "cri":
        return lambda line: regexp_content(_CRI, line)
    for found in everything:
        if found.kind == "multiline_parser" and found.value("name") == name:
            inner = found.value("parser")
            return _parser(inner, everything, part) if inner else _nothing
    if name in BUILTIN_MULTILINE:
        return _nothing
    raise unreadable("RP484", f"the multiline parser `{name}` is not defined", str(part.place))


def _parser(name: str, everything: tuple[Part, ...], part: Part) -> Decode:
    for found in everything:
        if found.kind == "parser" and found.value("name") == name:
            return _defined(found)
    raise unreadable("RP484", f"the parser `{name}` is not defined in what is mounted", str(part.place))


def _defined(parser: Part) -> Decode:
    kind = parser.value("format").lower()
    if kind == "json":
        return json_content
    if kind in ("logfmt", "ltsv"):
        return _nothing
    if kind != "regex":
        raise unreadable("RP484", f"the parser's format `{kind}` is not known", str(parser.place))
    pattern = compiled(parser.value("regex"))
    time_key, time_format = parser.value("time_key", "time"), parser.value("time_format")

    def decode(line: str) -> Content | None:
        matched = pattern.search(line)
        time = (matched.groupdict().get(time_key) or "") if matched else ""
        if time and not strptime_reads(time_format, time):
            return None
        return regexp_content(pattern, line)

    return decode


def _first_of(decoders: list[Decode], otherwise: Decode | None) -> Decode:
    def decode(line: str) -> Content | None:
        found = next((content for one in decoders if (content := one(line)) is not None), None)
        return found if found is not None or otherwise is None else otherwise(line)

    return decode


def _raw(part: Part) -> Decode:
    key = part.value("key", "log")
    return lambda line: Content(text=line, field=key)


def _nothing(_: str) -> Content | None:
    return None
