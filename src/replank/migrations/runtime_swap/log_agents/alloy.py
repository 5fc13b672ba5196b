"""Alloy and Grafana Agent Flow: the stages of `loki.py` in Alloy's spelling."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.loki.alloy import SOURCES, configuration, pipeline
from replank.inventory.log_agents.loki.river import Block, parse
from replank.inventory.log_agents.loki.stages import DECIDING
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.workload import AgentContainer
from replank.migrations.runtime_swap.log_agents.loki import REPAIRED
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indented

_HEAD = """stage.json {
  expressions = { output = "log", stream = "stream", timestamp = "time" }
}

stage.match {
  selector = "{filename=~\\".+\\"} !~ \\"^\\\\\\\\{\\""

"""
_TAIL = """}

stage.labels {
  values = { stream = "" }
}

stage.timestamp {
  source            = "timestamp"
  format            = "RFC3339Nano"
  action_on_failure = "skip"
}

stage.output {
  source = "output"
}
"""
BOTH: Final = f"{_HEAD}  stage.cri {{}}\n{_TAIL}"


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every source that does not read both formats. Raises what reading raises."""
    assert isinstance(agent.inputs, tuple)
    file = configuration(container, files)
    blocks = parse(file)
    splices: dict[tuple[int, int], Splice] = {}
    by_hand: list[ByHand] = []
    for found in agent.inputs:
        judged = judge_input(found)
        if judged.reads == "both" and not {trap.code for trap in judged.traps} & REPAIRED:
            continue
        source = next(block for block in blocks if block.address == found.name)
        made = _source(source, blocks, file)
        if isinstance(made, ByHand):
            by_hand.append(made)
        else:
            splices |= {(splice.first, splice.last): splice for splice in made}
    return Proposal(splices={file.path: tuple(splices.values())} if splices else {}, by_hand=tuple(by_hand))


def _source(source: Block, blocks: tuple[Block, ...], file: MountedFile) -> tuple[Splice, ...] | ByHand:
    where = str(file.place(source.line))
    if SOURCES[source.name] == "docker-api":
        return ByHand(
            where=where,
            why="it reads lines through Docker's API",
            todo="Use loki.source.file on /var/log/pods, and these stages.",
            block=BOTH,
        )
    stopped = cannot_write(file)
    if stopped is not None:
        return replace(stopped, block=BOTH)
    deciding = [
        (process, stage)
        for process in pipeline(source, blocks, file)
        for stage in process.blocks
        if stage.name.removeprefix("stage.") in DECIDING
    ]
    lines = file.text.splitlines()
    if not deciding or not all(_is_whole(stage, lines) for _, stage in deciding):
        return ByHand(
            where=where,
            why="no stage of its own decides the format",
            todo="Put these stages first into its loki.process, for those that take the line apart.",
            block=BOTH,
        )
    (_, first), *others = deciding
    cri = next((stage for _, stage in deciding if stage.name == "stage.cri"), None)
    inner = _lines(cri, lines) if cri else ("stage.cri {}",)
    block = f"{_HEAD}{''.join(f'  {line}' + chr(10) for line in inner)}{_TAIL}"
    spaces = lines[first.line - 1][: first.column]
    made = [Splice(first=first.line, last=first.end, lines=indented(block, spaces))]
    return (*made, *(Splice(first=stage.line, last=stage.end, lines=()) for _, stage in others))


def _is_whole(stage: Block, lines: list[str]) -> bool:
    """Whether the block has its lines to itself."""
    return not lines[stage.line - 1][: stage.column].strip() and lines[stage.end - 1].rstrip().endswith("}")


def _lines(stage: Block, lines: list[str]) -> tuple[str, ...]:
    return tuple(line[stage.column :] for line in lines[stage.line - 1 : stage.end])
