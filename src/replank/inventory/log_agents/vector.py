"""From Vector's configuration to its inputs that read container logs.

Source: Vector 0.2x to 0.5x, `src/sources/kubernetes_logs/parser/mod.rs`: the format is picked by a file's
first byte.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import Format, LogInput, Through
from replank.inventory.log_agents.decoding import cri_content, json_content
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.probes import Content
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer
from replank.inventory.log_agents.yaml_text import load

DEFAULT_DATA: Final = "/var/lib/vector"
_THROUGH: Final[Mapping[str, Through]] = {
    "kubernetes_logs": "files",
    "file": "files",
    "docker_logs": "docker-api",
}


def configuration(container: AgentContainer, files: Files) -> tuple[MountedFile, ...]:
    """All files of the configuration. Raises `Refused` RP485 or RP486."""
    found: list[MountedFile] = []
    for place in (*container.flags, "/etc/vector"):
        if (one := files.get(place)) is not None:
            found.append(one)
        found += [
            file
            for ending in ("toml", "yaml", "yml", "json")
            for file in files.matching(f"{place}/*.{ending}")
        ]
        if found:
            return tuple(found)
    return (files.require(["/etc/vector/vector.yaml"]),)


def inputs(container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480, RP485, RP486."""
    documents = [(file, _parsed(file)) for file in configuration(container, files)]
    data = next((str(found["data_dir"]) for _, found in documents if "data_dir" in found), DEFAULT_DATA)
    remapped = {
        name
        for _, found in documents
        for transform in _tables(found, "transforms").values()
        for name in _strings(transform.get("inputs"))
    }
    return tuple(
        _input(file, name, source, container, data, name in remapped)
        for file, found in documents
        for name, source in _reading(found, container)
    )


def _reading(found: Mapping[str, Any], container: AgentContainer) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, source in _tables(found, "sources").items():
        kind = source.get("type")
        if kind in ("kubernetes_logs", "docker_logs") or (
            kind == "file" and reads_container_logs(container, _strings(source.get("include")))
        ):
            yield name, source


def _input(
    file: MountedFile,
    name: str,
    source: Mapping[str, Any],
    container: AgentContainer,
    data: str,
    remapped: bool,
) -> LogInput:
    kind = str(source.get("type"))
    own = str(source.get("data_dir", data))
    seen: Fact[tuple[str, ...]] = probes.understood(_by_first_byte if kind != "file" else _raw)
    if kind == "file" and remapped:
        refused = unreadable("RP484", f"`{name}` is parsed by a program in VRL", str(file.place(0)))
        seen = Unknown(refused.reason, refused.code)
    merges = kind == "kubernetes_logs" and source.get("auto_partial_merge", True) is not False
    joins: tuple[Format, ...] = ("docker", "cri") if merges else ()
    return LogInput(
        name=name,
        place=file.place(_line(file.text, name)),
        through=_THROUGH[kind],
        paths=_strings(source.get("include")) or ("/var/log/pods/*/*/*.log",),
        says=(f"type {kind}",),
        understood=seen,
        fields={"docker": "message", "cri": "message"},
        joins=joins,
        new_files_from="end" if source.get("read_from") == "end" else "start",
        positions=own,
        positions_on=positions_on(container, own),
    )


def _by_first_byte(line: str) -> Content | None:
    found = json_content(line) if line.startswith("{") else cri_content(line, "message")
    return None if found is None else Content(text=found.text, field="message", tagged=found.tagged)


def _raw(line: str) -> Content | None:
    return Content(text=line, field="message")


def _parsed(file: MountedFile) -> Mapping[str, Any]:
    try:
        if file.path.endswith(".toml"):
            return tomllib.loads(file.text)
        if file.path.endswith(".json"):
            found = json.loads(file.text)
            return found if isinstance(found, dict) else {}
    except ValueError:
        # Not chained: the parser keeps the whole text, which may hold secrets.
        raise unreadable(
            "RP480", f"it is not {file.path.rsplit('.', 1)[-1].upper()}", str(file.place(0))
        ) from None
    return load(file)


def _tables(found: Mapping[str, Any], key: str) -> dict[str, Mapping[str, Any]]:
    tables = found.get(key)
    if not isinstance(tables, Mapping):
        return {}
    return {str(name): table for name, table in tables.items() if isinstance(table, Mapping)}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _line(text: str, name: str) -> int:
    """The first line that names the source; 0 where it is named in another way."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().strip('"').startswith((f"[sources.{name}", f"{name}:", f'{name}":')):
            return number
    return 0
