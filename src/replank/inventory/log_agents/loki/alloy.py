"""From Alloy's (or Grafana Agent Flow's) configuration to its inputs that read container logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown
from replank.inventory.log_agents import probes
from replank.inventory.log_agents.agent import AgentKind, LogInput, Through
from replank.inventory.log_agents.loki.promtail import joined
from replank.inventory.log_agents.loki.river import Block, parse, string_map, walk
from replank.inventory.log_agents.loki.stages import Stage, decoder, says
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.paths import positions_on, reads_container_logs
from replank.inventory.log_agents.refusals import unreadable
from replank.inventory.log_agents.workload import AgentContainer

SOURCES: Final[dict[str, Through]] = {
    "loki.source.file": "files",
    "loki.source.kubernetes": "kubernetes-api",
    "loki.source.podlogs": "kubernetes-api",
    "loki.source.docker": "docker-api",
}
STORAGE = "/tmp/alloy"  # noqa: S108 Alloy's own chart has it there
MOST_HOPS = 10


def configuration(container: AgentContainer, files: Files) -> MountedFile:
    """The file that the agent starts with. Raises `Refused` RP485 or RP486."""
    usual = ("/etc/alloy/config.alloy", "/etc/agent/config.river", "/etc/agent-flow/config.river")
    return files.require((*container.flags, *usual))


def inputs(kind: AgentKind, container: AgentContainer, files: Files) -> tuple[LogInput, ...]:
    """All inputs that read container logs. Raises `Refused` RP480, RP484, RP485, RP486."""
    file = configuration(container, files)
    blocks = parse(file)
    if any(block.name.startswith(("import.", "declare", "remotecfg")) for block in blocks):
        raise unreadable("RP484", "parts of it come from modules", str(file.place(0)))
    return tuple(_inputs(kind, blocks, file, container))


def _inputs(
    kind: AgentKind, blocks: tuple[Block, ...], file: MountedFile, container: AgentContainer
) -> Iterator[LogInput]:
    for source in blocks:
        through = SOURCES.get(source.name)
        if through is None:
            continue
        paths = tuple(_paths(source, blocks))
        if through == "files" and not reads_container_logs(container, paths):
            continue
        yield _input(kind, source, through, paths, blocks, file, container)


def _input(
    kind: AgentKind,
    source: Block,
    through: Through,
    paths: tuple[str, ...],
    blocks: tuple[Block, ...],
    file: MountedFile,
    container: AgentContainer,
) -> LogInput:
    seen: Fact[tuple[str, ...]]
    stages: tuple[Stage, ...] = ()
    processes: list[Block] = []
    try:
        processes = list(pipeline(source, blocks, file))
        stages = tuple(stage for block in processes for stage in stages_of(block, file))
        seen = probes.understood(decoder(stages, runtime_labels(blocks)))
    except Refused as error:
        seen = Unknown(error.reason, error.code)
    return LogInput(
        name=source.address,
        place=file.place(processes[0].line if processes else source.line),
        through=through,
        paths=paths,
        says=says(stages),
        understood=seen,
        joins=joined(kind, stages, container.image),
        new_files_from="end" if _tails_from_end(source) else "start",
        positions=STORAGE,
        positions_on=positions_on(container, STORAGE),
    )


def pipeline(source: Block, blocks: Sequence[Block], file: MountedFile) -> Iterator[Block]:
    """The loki.process components that lines of this source go through.

    Raises `Refused` RP484 where they part ways before they are processed.
    """
    by_address = {block.address: block for block in blocks}
    current = source
    for _ in range(MOST_HOPS):
        forward = current.attribute("forward_to")
        following = [
            by_address[name] for name in (forward.references() if forward else ()) if name in by_address
        ]
        if len(following) > 1 and any(block.name == "loki.process" for block in following):
            raise unreadable(
                "RP484", "lines part ways before they are processed", str(file.place(current.line))
            )
        if not following:
            return
        current = following[0]
        if current.name == "loki.process":
            yield current
        elif current.name not in ("loki.relabel", "loki.secretfilter", "loki.echo"):
            return


def stages_of(block: Block, file: MountedFile) -> tuple[Stage, ...]:
    """The `stage.*` blocks inside of a block."""
    return tuple(
        Stage(
            kind=inner.name.removeprefix("stage."),
            place=file.place(inner.line),
            settings={
                found.name: string_map(found.expression)
                if found.expression.lstrip().startswith("{")
                else (found.text() if found.text() is not None else found.expression)
                for found in inner.attributes
            },
            stages=stages_of(inner, file),
        )
        for inner in block.blocks
        if inner.name.startswith("stage.")
    )


def runtime_labels(blocks: Sequence[Block]) -> tuple[str, ...]:
    """Labels that relabelling makes of the container's ID, which begins with its runtime."""
    return tuple(
        rule.text("target_label")
        for rule in walk(tuple(blocks))
        if rule.name == "rule"
        and (found := rule.attribute("source_labels")) is not None
        and "__meta_kubernetes_pod_container_id" in found.expression
    )


def _paths(source: Block, blocks: Sequence[Block]) -> Iterator[str]:
    """Every `__path__` in the components that the source's targets come from, itself included."""
    by_address = {block.address: block for block in blocks}
    pending, seen = [source], set[str]()
    while pending:
        block = pending.pop()
        if block.address in seen:
            continue
        seen.add(block.address)
        for attribute in block.attributes:
            if path := string_map(attribute.expression).get("__path__"):
                yield path
            if attribute.name != "forward_to":
                pending += [by_address[name] for name in attribute.references() if name in by_address]
        for rule in block.blocks:
            if rule.name == "rule" and rule.text("target_label") == "__path__":
                yield rule.text("replacement", "$1")


def _tails_from_end(source: Block) -> bool:
    found = source.attribute("tail_from_end")
    return found is not None and found.expression.strip() == "true"
