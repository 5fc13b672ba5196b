"""Promtail and Grafana Agent: Docker's lines by JSON, the others through the cri stage, told apart by the
first byte.

The json stage looks at every line and takes something only out of JSON; the match lets only lines that do
not begin with `{` into the cri stage, so that an application's own JSON is never taken for Docker's, nor the
other way round.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from ruamel.yaml.comments import CommentedSeq

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.loki.promtail import Job, configuration, reading_jobs
from replank.inventory.log_agents.loki.stages import DECIDING
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.workload import AgentContainer
from replank.inventory.log_agents.yaml_text import item_line, mapping
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indentation, indented

REPAIRED: Final = frozenset(("RP424", "RP425", "RP427", "RP433"))
_HEAD = """- json:
    expressions: {output: log, stream: stream, timestamp: time}
- match:
    selector: '{filename=~".+"} !~ "^\\\\{"'
    stages:
"""
_TAIL = """- labels:
    stream:
- timestamp:
    source: timestamp
    format: RFC3339Nano
    action_on_failure: skip
- output:
    source: output
"""
BOTH: Final = f"{_HEAD}      - cri: {{}}\n{_TAIL}"


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every job that does not read both formats. Raises what reading raises."""
    assert isinstance(agent.inputs, tuple)
    file = configuration("promtail" if agent.kind == "promtail" else "grafana-agent", container, files)
    splices: tuple[Splice, ...] = ()
    by_hand: list[ByHand] = []
    for job, found in zip(reading_jobs(file, container), agent.inputs, strict=True):
        judged = judge_input(found)
        if judged.reads == "both" and not {trap.code for trap in judged.traps} & REPAIRED:
            continue
        made = _job(job, file)
        if isinstance(made, ByHand):
            by_hand.append(made)
        else:
            splices = (*splices, *made)
    return Proposal(splices={file.path: splices} if splices else {}, by_hand=tuple(by_hand))


def _job(job: Job, file: MountedFile) -> tuple[Splice, ...] | ByHand:
    by_hand = partial(ByHand, where=str(file.place(job.line)), block=BOTH)
    if "docker_sd_configs" in job.found:
        return by_hand(
            why="the job finds containers through Docker", todo="Use kubernetes_sd_configs; then this."
        )
    stopped = cannot_write(file)
    if stopped is not None:
        return replace(stopped, block=BOTH)
    if job.stages is None:
        return by_hand(why="the job has no pipeline", todo="Put this first into `pipeline_stages`.")
    deciding = [index for index, entry in enumerate(job.stages) if _kind(entry) in DECIDING]
    if not deciding or job.stages.fa.flow_style():
        return by_hand(
            why="no stage of its own decides the format",
            todo="Put this in the place of the stages that take the container's line apart.",
        )
    first, *others = deciding
    cri = next((index for index in deciding if _kind(job.stages[index]) == "cri"), None)
    inner = _lines(job.stages, cri, file) if cri is not None else ("- cri: {}",)
    spaces = indentation(file.text, item_line(job.stages, first))
    block = f"{_HEAD}{''.join(f'      {line}' + chr(10) for line in inner)}{_TAIL}"
    begin, end = _range(job.stages, first, file)
    made = [Splice(first=begin, last=end, lines=indented(block, spaces))]
    for index in others:
        begin, end = _range(job.stages, index, file)
        made.append(Splice(first=begin, last=end, lines=()))
    return tuple(made)


def _kind(entry: object) -> str:
    return next((str(key) for key in mapping(entry)), "")


def _range(stages: CommentedSeq, index: int, file: MountedFile) -> tuple[int, int]:
    """First and last line of an item: the item's own lines are indented deeper than its dash."""
    lines = file.text.splitlines()
    first = last = item_line(stages, index)
    depth = len(indentation(file.text, first))
    for number in range(first + 1, len(lines) + 1):
        text = lines[number - 1]
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        if len(text) - len(text.lstrip()) <= depth:
            break
        last = number
    return first, last


def _lines(stages: CommentedSeq, index: int, file: MountedFile) -> tuple[str, ...]:
    first, last = _range(stages, index, file)
    depth = len(indentation(file.text, first))
    return tuple(line[depth:] for line in file.text.splitlines()[first - 1 : last])
