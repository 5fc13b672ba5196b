"""From a collector's configuration to its filelog receivers that read container logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import Format, LogInput
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.otel.operators import Operator, decoder, joined
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.workload import AgentContainer
from replank.inventory.log_agents.yaml_text import item_line, items, key_line, load, mapping


def configuration(container: AgentContainer, files: Files) -> MountedFile:
    """The file that the collector starts with. Raises `Refused` RP485 or RP486."""
    flags = tuple(flag.removeprefix("file:") for flag in container.flags)
    usual = (
        "/conf/relay.yaml",
        "/conf/collector.yaml",
        "/etc/otelcol-contrib/config.yaml",
        "/etc/otelcol/config.yaml",
    )
    return files.require((*flags, *usual))


def inputs(container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480, RP485, RP486."""
    file = configuration(container, files)
    document = load(file)
    return tuple(
        _input(name, found, document, file, container) for name, found in receivers(document, container)
    )


def receivers(document: CommentedMap, container: AgentContainer) -> Iterator[tuple[str, CommentedMap]]:
    """The filelog receivers that pipelines use and whose paths are container logs."""
    defined = mapping(document.get("receivers"))
    pipelines = mapping(mapping(document.get("service")).get("pipelines"))
    used = {
        str(name) for pipeline in pipelines.values() for name in items(mapping(pipeline).get("receivers"))
    }
    for name, found in defined.items():
        is_filelog = str(name).partition("/")[0] in ("filelog", "file_log")
        if is_filelog and (not pipelines or str(name) in used):
            settings = mapping(found)
            if reads_container_logs(container, _include(settings)):
                yield str(name), settings


def operators_of(settings: CommentedMap, file: MountedFile) -> tuple[Operator, ...]:
    """The receiver's operators; an operator without an ID is named by its type."""
    listed = settings.get("operators")
    found: list[Operator] = []
    for index, entry in enumerate(items(listed)):
        kind = str(mapping(entry).get("type", ""))
        line = item_line(listed, index) if isinstance(listed, CommentedSeq) else 0
        found.append(
            Operator(
                kind=kind,
                id=str(mapping(entry).get("id", kind)),
                output=_output(mapping(entry)),
                place=file.place(line),
                settings=dict(mapping(entry)),
            )
        )
    return tuple(found)


def _input(
    name: str, settings: CommentedMap, document: CommentedMap, file: MountedFile, container: AgentContainer
) -> LogInput:
    operators = operators_of(settings, file)
    seen: Fact[tuple[str, ...]]
    fields: dict[str, str] = {}
    joins: tuple[Format, ...] = ()
    try:
        decode = decoder(operators)
        seen, fields, joins = probes.understood(decode), probes.fields(decode), joined(operators)
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    positions = _positions(settings, document)
    return LogInput(
        name=name,
        place=file.place(key_line(mapping(document.get("receivers")), name)),
        paths=_include(settings),
        says=tuple(_words(operators)),
        understood=seen,
        fields=fields,
        joins=joins,
        new_files_from="start" if settings.get("start_at") == "beginning" else "end",
        positions=positions,
        positions_on=positions_on(container, positions),
    )


def _words(operators: tuple[Operator, ...]) -> Iterator[str]:
    for operator in operators:
        written = operator.text("format")
        yield f"{operator.kind} {written}".strip() if operator.kind == "container" else operator.kind


def _positions(settings: CommentedMap, document: CommentedMap) -> str:
    storage = settings.get("storage")
    if not storage:
        return ""
    extension = mapping(mapping(document.get("extensions")).get(storage))
    return str(extension.get("directory", "/var/lib/otelcol/file_storage"))


def _include(settings: CommentedMap) -> tuple[str, ...]:
    return tuple(str(path) for path in items(settings.get("include")))


def _output(found: Any) -> str:
    written = items(found.get("output"))
    return str(written[0]) if written else ""
