"""Filebeat: the container input with `format: auto`, on the kubelet's paths."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.filebeat import CONTAINER_FROM, Found, container_parser, reading
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.mounted import Files, MountedFile
from replank.inventory.log_agents.version import version_of
from replank.inventory.log_agents.workload import DOCKER_LOGS, AgentContainer
from replank.inventory.log_agents.yaml_text import item_line, items, key_line
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indentation

BOTH: Final = """type: container
format: auto
paths:
  - /var/log/containers/*.log
"""
_OF_DOCKER_ONLY = ("containers.path", "containers.stream", "containers", "combine_partial", "cri")


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every input that does not read both formats. Raises what reading raises."""
    assert isinstance(agent.inputs, tuple)
    splices: dict[str, tuple[Splice, ...]] = {}
    by_hand: list[ByHand] = []
    for one, found in zip(reading(container, files), agent.inputs, strict=True):
        judged = judge_input(found)
        if judged.reads == "both" and not {trap.code for trap in judged.traps} & {"RP433"}:
            continue
        made = _input(one, container)
        if isinstance(made, ByHand):
            by_hand.append(made)
        else:
            splices[one.file.path] = (*splices.get(one.file.path, ()), *made)
    return Proposal(splices=splices, by_hand=tuple(by_hand))


def _input(one: Found, container: AgentContainer) -> tuple[Splice, ...] | ByHand:
    by_hand = partial(ByHand, where=str(one.file.place(one.line)), block=BOTH)
    if one.through == "docker-api":
        return by_hand(
            why="its autodiscovery asks Docker", todo="Use the kubernetes provider, and this as its input."
        )
    stopped = cannot_write(one.file)
    if stopped is not None:
        return replace(stopped, block=BOTH)
    kind = one.settings.get("type")
    version = version_of(container.image)
    if version is not None and version < CONTAINER_FROM and kind != "container":
        return by_hand(
            why="Filebeat before 7.2 has no container input",
            todo="Bring Filebeat to 7.17 or newer first, then use this input.",
        )
    holder = container_parser(one.settings)
    if holder is None or one.line == 0 or one.settings.fa.flow_style():
        return by_hand(why="the input takes lines apart by itself", todo="Use this input in its place.")
    if kind == "docker":
        return _docker(one.settings, one.file) or by_hand(
            why="the docker input has settings that the container input does not have",
            todo="Use this input in its place.",
        )
    return (*_format(holder, one.file), *_paths(one.settings, one.file))


def _docker(settings: CommentedMap, file: MountedFile) -> tuple[Splice, ...]:
    """Empty where it has settings that are not known here."""
    ids = settings.get("containers.ids")
    if any(key in settings for key in _OF_DOCKER_ONLY) or not isinstance(ids, CommentedSeq):
        return ()
    made = [_value(file, key_line(settings, "type"), "docker", "container")]
    at = key_line(settings, "containers.ids")
    made.append(_value(file, at, "containers.ids", "paths"))
    if ids.fa.flow_style():
        return ()
    for index, name in enumerate(ids):
        line = item_line(ids, index)
        dash = file.text.splitlines()[line - 1].partition("-")[0]
        made.append(Splice(first=line, last=line, lines=(f'{dash}- "{_kubelet_path(str(name))}"',)))
    return tuple(made)


def _format(holder: CommentedMap, file: MountedFile) -> tuple[Splice, ...]:
    written = str(holder.get("format", "auto"))
    if written == "auto" or "format" not in holder:
        return ()
    line = key_line(holder, "format")
    return (_value(file, line, written, "auto"),)


def _paths(settings: CommentedMap, file: MountedFile) -> tuple[Splice, ...]:
    """Docker's own folder becomes the kubelet's, item by item."""
    found = settings.get("paths")
    made: list[Splice] = []
    for index, path in enumerate(items(found)):
        if str(path).startswith(DOCKER_LOGS) and isinstance(found, CommentedSeq):
            new = _kubelet_path(str(path).removeprefix(f"{DOCKER_LOGS}/").split("/")[0])
            line = item_line(found, index)
            gone = Splice(first=line, last=line, lines=())
            made.append(gone if new in found else _value(file, line, str(path), new))
    return tuple(made)


def _kubelet_path(container_id: str) -> str:
    """The kubelet's link of a container, by its ID or a variable that holds it."""
    return "/var/log/containers/*.log" if container_id == "*" else f"/var/log/containers/*{container_id}.log"


def _value(file: MountedFile, line: int, old: str, new: str) -> Splice:
    """One word of a line in the place of another; the last one, since a comment may not name it before."""
    text = file.text.splitlines()[line - 1]
    spaces = indentation(file.text, line)
    return Splice(first=line, last=line, lines=(spaces + text[len(spaces) :].replace(old, new, 1),))
