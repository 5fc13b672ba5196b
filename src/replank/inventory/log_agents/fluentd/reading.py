"""From Fluentd's configuration to its inputs that read container logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import join, normpath
from typing import Literal

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import LogInput
from replank.inventory.log_agents.fluentd.builtin import with_builtin
from replank.inventory.log_agents.fluentd.joining import After, after, raw_parser
from replank.inventory.log_agents.fluentd.parsers import decoder, words
from replank.inventory.log_agents.fluentd.syntax import Reader, Section
from replank.inventory.log_agents.mounted import Files
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.probes import Decode
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer


def configuration(container: AgentContainer, files: Files) -> Section:
    """The whole configuration as one section. Raises `Refused` RP480 to RP486."""
    everything = with_builtin(container, files)
    return Reader(everything, container).read(everything.require(_entries(container)))


def sources(root: Section, container: AgentContainer) -> Iterator[Section]:
    """Sources that tail container logs. Raises `Refused` RP482 where a path is not known."""
    for source in root.named("source"):
        kind = source.value("@type") or source.value("type")
        if kind == "tail" and reads_container_logs(container, source.value("path").split(",")):
            yield source


def inputs(container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480 to RP486."""
    root = configuration(container, files)
    return tuple(_input(root, source, container) for source in sources(root, container))


def sample_tag(source: Section) -> str:
    """A tag as records of this source have it: `*` is the path of the file (in_tail)."""
    return source.value("tag").replace("*", "var.log.containers.web-1_shop_web-0123456789abcdef.log")


def parse_section(source: Section) -> Section:
    """The section that says how lines are parsed; the source itself in the old way (`format json`).

    Raises `Refused` RP484 where there is none.
    """
    found = next(source.named("parse"), None)
    if found is None and not source.value("format"):
        raise unreadable("RP484", "the source has no <parse>", str(source.file.place(source.line)))
    return found or source


def filter_of_raw_lines(root: Section, source: Section) -> Section | None:
    """The filter that parses lines which the source itself takes as they are; None where the source parses
    them.

    Raises `Refused` as reading does.
    """
    raw = _decode(parse_section(source))("x")
    if raw is None or raw.text != "x":
        return None
    return raw_parser(root, source, sample_tag(source), raw.field)


def _input(root: Section, source: Section, container: AgentContainer) -> LogInput:
    seen: Fact[tuple[str, ...]]
    fields: Mapping[str, str] = {}
    says: tuple[str, ...] = ()
    then = After()
    try:
        parse = parse_section(source)
        says = tuple(words(parse))
        decode = _decode(parse)
        parser = filter_of_raw_lines(root, source)
        if parser is not None:
            inner = next(parser.named("parse"), parser)
            decode, says = decoder(inner), (*says, *words(inner))
        fields = probes.fields(decode)
        then = after(root, source, sample_tag(source), fields, parser)
        seen = probes.understood(decode)
        if "cri" in then.joins and not probes.keeps_tag(decode):
            then.joins.remove("cri")
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    positions, lie = _positions(source, container)
    return LogInput(
        name=source.value("@id") or "source",
        place=source.file.place(source.line),
        paths=tuple(path.strip() for path in source.value("path").split(",")),
        says=says,
        understood=seen,
        fields=fields,
        joins=tuple(dict.fromkeys(then.joins)),
        losses=tuple(then.losses),
        new_files_from="start" if source.value("read_from_head") == "true" else "end",
        positions=positions,
        positions_on=lie,
    )


def _positions(
    source: Section, container: AgentContainer
) -> tuple[str, Fact[Literal["node", "volume", "pod"]]]:
    try:
        path = source.value("pos_file")
    except Refused as error:
        return "", Unknown(error.reason, error.code)
    return path, positions_on(container, path)


def _decode(parse: Section) -> Decode:
    return decoder(parse, parse.value("format")) if parse.name == "source" else decoder(parse)


def _entries(container: AgentContainer) -> Iterator[str]:
    yield from container.flags
    if name := container.env.get("FLUENTD_CONF"):
        yield normpath(join("/fluentd/etc", name))
    yield from ("/fluentd/etc/fluent.conf", "/etc/fluent/fluent.conf", "/etc/fluentd/fluent.conf")
