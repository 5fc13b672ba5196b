"""From Filebeat's configuration to its inputs that read container logs.

Sources: Elastic's documentation of Filebeat 6.8 to 9.x (inputs container, docker, filestream, log;
autodiscover).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import Format, LogInput, Through
from replank.inventory.log_agents.decoding import cri_content, json_content
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.probes import Content, Decode
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.version import at_least
from replank.inventory.log_agents.workload import DOCKER_LOGS, AgentContainer
from replank.inventory.log_agents.yaml_text import items, key_line, load, load_list, mapping

DATA: Final = "/usr/share/filebeat/data"
CONTAINER_FROM: Final = (7, 2)
"""The first Filebeat that has the container input, and takes it for hints that say nothing else."""

_CHANGES_LINES = ("decode_json_fields", "dissect", "script", "truncate_fields", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An input where it stands. `settings`: the input; `line`: of its type."""

    name: str
    file: MountedFile
    settings: CommentedMap
    line: int
    through: Through = "files"


def configuration(container: AgentContainer, files: Files) -> MountedFile:
    """The file that Filebeat starts with. Raises `Refused` RP485 or RP486."""
    return files.require((*container.flags, "/etc/filebeat.yml", "/usr/share/filebeat/filebeat.yml"))


def inputs(container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480, RP485, RP486."""
    return tuple(_input(found, container, _data(container, files)) for found in reading(container, files))


def reading(container: AgentContainer, files: Files) -> Iterator[Found]:
    """Inputs whose paths are container logs, in every place where Filebeat has inputs."""
    file = configuration(container, files)
    document = load(file)
    for found in _everywhere(document, file, container, files):
        kind = str(found.settings.get("type", ""))
        if kind in ("docker", "container") or reads_container_logs(container, paths(found.settings)):
            yield found


def paths(settings: CommentedMap) -> tuple[str, ...]:
    """Where the input reads; that of the docker input is made of its IDs."""
    found = tuple(str(path) for path in items(settings.get("paths")))
    if found or settings.get("type") != "docker":
        return found
    below = str(_nested(settings, "containers.path") or DOCKER_LOGS)
    return tuple(f"{below}/{name}/*.log" for name in items(_nested(settings, "containers.ids")) or ["*"])


def container_parser(settings: CommentedMap) -> CommentedMap | None:
    """The mapping that holds `format`: the container input itself, or filestream's container parser."""
    if settings.get("type") in ("container", "docker"):
        return settings
    for parser in items(settings.get("parsers")):
        if "container" in mapping(parser):
            found = mapping(parser)["container"]
            return found if isinstance(found, CommentedMap) else CommentedMap()
    return None


def _input(found: Found, container: AgentContainer, data: str) -> LogInput:
    seen: Fact[tuple[str, ...]]
    fields: dict[str, str] = {}
    joins: tuple[Format, ...] = ()
    try:
        decode, joins = _decoder(found)
        seen, fields = probes.understood(decode), probes.fields(decode)
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    kind = str(found.settings.get("type", ""))
    holder = container_parser(found.settings)
    written = str(holder.get("format", "auto")) if holder is not None else "none"
    return LogInput(
        name=found.name,
        place=found.file.place(found.line),
        through=found.through,
        paths=paths(found.settings),
        says=(f"type {kind}", f"format {written}"),
        understood=seen,
        fields=fields,
        joins=joins,
        new_files_from="end" if found.settings.get("tail_files") is True else "start",
        positions=data,
        positions_on=positions_on(container, data),
    )


def _decoder(found: Found) -> tuple[Decode, tuple[Format, ...]]:
    settings = found.settings
    holder = container_parser(settings)
    if holder is not None:
        return _container(str(holder.get("format", "auto"))), ("docker", "cri")
    if _changes_lines(settings):
        raise unreadable("RP484", "processors take lines apart", str(found.file.place(found.line)))
    key = _nested(settings, "json.message_key")
    for parser in items(settings.get("parsers")):
        ndjson = mapping(parser).get("ndjson")
        key = mapping(ndjson).get("message_key", key) if ndjson is not None else key
    if key:
        return (lambda line: json_content(line, str(key))), ()
    return (lambda line: Content(text=line, field="message")), ()


def _container(written: str) -> Decode:
    def decode(line: str) -> Content | None:
        docker = line.startswith("{")
        if (docker and written == "cri") or (not docker and written == "docker"):
            return None
        found = json_content(line) if docker else cri_content(line, "message")
        return None if found is None else Content(text=found.text, field="message", tagged=found.tagged)

    return decode


def _everywhere(
    document: CommentedMap, file: MountedFile, container: AgentContainer, files: Files
) -> Iterator[Found]:
    for key in ("filebeat.inputs", "filebeat.prospectors"):
        yield from _of_list(_nested(document, key), file, key)
    for provider in items(_nested(document, "filebeat.autodiscover.providers")):
        yield from _of_provider(mapping(provider), file, container)
    for key in ("filebeat.config.inputs.path", "filebeat.config.prospectors.path"):
        pattern = _nested(document, key)
        if not pattern:
            continue
        where = str(pattern).replace("${path.config}", posixpath.dirname(file.path))
        alternatives = (where, where.replace(posixpath.dirname(file.path), "/usr/share/filebeat"))
        included = [one for place in dict.fromkeys(alternatives) for one in files.matching(place)]
        if not included and files.missing:
            raise unreadable("RP486", ", ".join(map(str, files.missing)), str(file.place(0)))
        if not included:
            raise unreadable("RP481", f"`{pattern}` is not mounted", str(file.place(0)))
        for one in included:
            yield from _of_list(load_list(one), one, one.key)


def _of_provider(provider: CommentedMap, file: MountedFile, container: AgentContainer) -> Iterator[Found]:
    through: Through = "docker-api" if provider.get("type") == "docker" else "files"
    templates = provider.get("templates")
    for template in items(templates):
        yield from _of_list(mapping(template).get("config"), file, "template", through)
    if _nested(provider, "hints.enabled") is not True:
        return
    written = _nested(provider, "hints.default_config")
    default = mapping(written)
    if default.get("type"):
        yield Found(
            name="hints", file=file, settings=default, line=key_line(default, "type"), through=through
        )
    elif default.get("enabled") is not False:
        kind = "container" if at_least(container.image, CONTAINER_FROM) else "docker"
        settings = CommentedMap({"type": kind})
        if kind == "container":
            settings["paths"] = CommentedSeq(["/var/log/containers/*-${data.container.id}.log"])
        yield Found(name="hints", file=file, settings=settings, line=0, through=through)


def _of_list(entries: Any, file: MountedFile, name: str, through: Through = "files") -> Iterator[Found]:
    for entry in items(entries):
        settings = mapping(entry)
        if "type" in settings and settings.get("enabled") is not False:
            yield Found(
                name=str(settings.get("id", name)),
                file=file,
                settings=settings,
                line=key_line(settings, "type"),
                through=through,
            )


def _data(container: AgentContainer, files: Files) -> str:
    return str(_nested(load(configuration(container, files)), "path.data") or DATA)


def _changes_lines(settings: CommentedMap) -> bool:
    return any(
        name in mapping(entry) for entry in items(settings.get("processors")) for name in _CHANGES_LINES
    )


def _nested(found: CommentedMap, dotted: str) -> Any:
    """A value under a dotted name, however the name is cut into mappings."""
    if dotted in found:
        return found[dotted]
    parts = dotted.split(".")
    for cut in range(1, len(parts)):
        inner = found.get(".".join(parts[:cut]))
        if isinstance(inner, CommentedMap):
            value = _nested(inner, ".".join(parts[cut:]))
            if value is not None:
                return value
    return None
