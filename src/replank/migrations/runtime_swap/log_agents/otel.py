"""OpenTelemetry collector: the container operator, with its format unset."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.otel.operators import Operator
from replank.inventory.log_agents.otel.reading import configuration, operators_of, receivers
from replank.inventory.log_agents.version import version_of
from replank.inventory.log_agents.workload import AgentContainer
from replank.inventory.log_agents.yaml_text import item_line, key_line, load, mapping
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indentation, indented

CONTAINER_FROM: Final = (0, 101)
"""The first collector with the container operator."""

BOTH: Final = "- type: container\n  id: container-parser\n"
_WITHOUT_PATH = "  add_metadata_from_filepath: false\n"
_FROM_PATH = ("container_name", "namespace", "pod_name", "restart_count", "uid", "run_id")
_FROM_LINE = ("stream", "log", "time", "logtag", "timestamp", "tag")


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every receiver that does not read both formats. Raises what reading raises."""
    assert isinstance(agent.inputs, tuple)
    file = configuration(container, files)
    splices: tuple[Splice, ...] = ()
    by_hand: list[ByHand] = []
    for (_, settings), found in zip(receivers(load(file), container), agent.inputs, strict=True):
        judged = judge_input(found)
        if judged.reads == "both" and not {trap.code for trap in judged.traps} & {"RP424", "RP425", "RP433"}:
            continue
        made = _receiver(settings, file, container)
        if isinstance(made, ByHand):
            by_hand.append(made)
        else:
            splices = (*splices, *made)
    return Proposal(splices={file.path: splices} if splices else {}, by_hand=tuple(by_hand))


def _receiver(
    settings: CommentedMap, file: MountedFile, container: AgentContainer
) -> tuple[Splice, ...] | ByHand:
    listed = settings.get("operators")
    block = BOTH if settings.get("include_file_path") is True else f"{BOTH}{_WITHOUT_PATH}"
    line = item_line(listed, 0) if isinstance(listed, CommentedSeq) and listed else 0
    by_hand = partial(ByHand, where=str(file.place(line)), block=block)
    stopped = cannot_write(file)
    if stopped is not None:
        return replace(stopped, block=block)
    version = version_of(container.image)
    if version is not None and version < CONTAINER_FROM:
        return by_hand(
            why="a collector before 0.101 has no container operator",
            todo="Bring the collector to 0.101 or newer first, then use this operator.",
        )
    if not isinstance(listed, CommentedSeq) or not listed or listed.fa.flow_style():
        return by_hand(why="the receiver has no list of operators", todo="Put this first into `operators`.")
    formatted = [mapping(entry) for entry in listed if mapping(entry).get("type") == "container"]
    if formatted:
        gone = [key_line(entry, "format") for entry in formatted if "format" in entry]
        return tuple(Splice(first=number, last=number, lines=()) for number in gone)
    foreign = [operator for operator in operators_of(settings, file) if not _is_of_the_line(operator)]
    if foreign:
        return by_hand(
            where=str(foreign[0].place),
            why=f"`{foreign[0].id}` does more than the container operator",
            todo="Put this in the place of the operators that take the container's line apart.",
        )
    last = _last_line(file, line)
    return (Splice(first=line, last=last, lines=indented(block, indentation(file.text, line))),)


def _is_of_the_line(operator: Operator) -> bool:
    """Whether the container operator does all that this one does."""
    fields = [operator.text(key) for key in ("from", "to", "field", "parse_from", "combine_field")]
    bare = [field.replace('"]', "").replace('["', ".").rpartition(".")[2] for field in fields if field]
    match operator.kind:
        case "router":
            return True
        case "json_parser":
            return operator.text("parse_from", "body").lstrip("$") == "body"
        case "regex_parser":
            source = operator.text("parse_from", "body").lstrip("$")
            return source == "body" or "file.path" in source or source.endswith("file_path")
        case "recombine" | "noop":
            return True
        case "move" | "remove":
            first = bare[0] if bare else ""
            return first in (*_FROM_PATH, *_FROM_LINE)
    return False


def _last_line(file: MountedFile, first: int) -> int:
    """The last line of the list: everything deeper than its dashes, and the dashes themselves."""
    lines = file.text.splitlines()
    depth = len(indentation(file.text, first))
    last = first
    for number in range(first + 1, len(lines) + 1):
        text = lines[number - 1]
        if not text.strip() or text.lstrip().startswith("#"):
            continue
        at = len(text) - len(text.lstrip())
        if at < depth or (at == depth and not text.lstrip().startswith("-")):
            break
        last = number
    return last
