"""Fluent Bit: `multiline.parser docker, cri` in the place of parsers and Docker_Mode."""

from __future__ import annotations

import re
from dataclasses import replace

from replank.domain.unknown import Fact
from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.fluent_bit.configuration import Part, Setting, parts
from replank.inventory.log_agents.fluent_bit.reading import tails
from replank.inventory.log_agents.judgement import Reads, judge_input
from replank.inventory.log_agents.mounted import Files
from replank.inventory.log_agents.version import version_of
from replank.inventory.log_agents.workload import AgentContainer
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal, cannot_write
from replank.migrations.runtime_swap.log_agents.splice import Splice, indentation

MULTILINE_FROM = (1, 8)
"""The first Fluent Bit with `multiline.parser` and its built-in docker and cri."""

_REPLACED = (
    *("parser", "docker_mode", "docker_mode_flush", "docker_mode_parser", "multiline", "parser_firstline"),
    *("multiline_flush", "multiline.parser"),
)


def propose(container: AgentContainer, files: Files, agent: LogAgent) -> Proposal:
    """The edits for every input that does not read both formats. Raises what reading raises."""
    assert isinstance(agent.inputs, tuple)
    splices: dict[str, tuple[Splice, ...]] = {}
    by_hand: list[ByHand] = []
    everything = parts(container, files)
    for part, found in zip(tails(everything, container), agent.inputs, strict=True):
        judged = judge_input(found)
        fine = not {trap.code for trap in judged.traps} & {"RP424", "RP425", "RP426", "RP427", "RP433"}
        if judged.reads == "both" and fine:
            continue
        stopped = _stopped(container, part) or _parsed_by_filter(part, judged.reads)
        if stopped is not None:
            by_hand.append(stopped)
        else:
            splices[part.file.path] = (*splices.get(part.file.path, ()), *_input(part))
    return Proposal(splices=splices, by_hand=tuple(by_hand), notes=_notes(container) if splices else ())


def _input(part: Part) -> list[Splice]:
    replaced = [setting for setting in part.settings if setting.key in _REPLACED]
    anchor = replaced[0] if replaced else next(found for found in part.settings if found.key == "name")
    line = _written(part, anchor)
    inserted = Splice(first=anchor.line, last=anchor.line, lines=(line,))
    if not replaced:
        first = anchor.line + 1
        inserted = Splice(first=first, last=first - 1, lines=(line,))
    others = {setting.line for setting in replaced} - {anchor.line}
    return [inserted, *(Splice(first=line, last=line, lines=()) for line in sorted(others))]


def _written(part: Part, anchor: Setting) -> str:
    """The new line, indented and aligned as the one in whose place it comes."""
    text = part.file.text.splitlines()[anchor.line - 1]
    spaces = indentation(part.file.text, anchor.line)
    value = ", ".join(dict.fromkeys(("docker", "cri", *_others(part))))
    if _is_yaml(part):
        extra = "  " if text.lstrip().startswith("- ") else ""
        comment = re.search(r"\s+#.*$", text)
        return f"{spaces}{extra}multiline.parser: {value}{comment[0] if comment else ''}"
    key = text.split()[0]
    width = len(text.strip()) - len(text.strip()[len(key) :].lstrip())
    return f"{spaces}{'multiline.parser'.ljust(max(width, len('multiline.parser') + 1))}{value}"


def _others(part: Part) -> list[str]:
    """Multiline parsers of applications that stand beside the runtime's."""
    found = [name.strip() for value in part.all("multiline.parser") for name in value.split(",")]
    return [name for name in found if name not in ("docker", "cri")]


def _stopped(container: AgentContainer, part: Part) -> ByHand | None:
    line = next(iter(part.settings)).line
    where = str(part.file.place(line))
    block = "multiline.parser: docker, cri" if _is_yaml(part) else "multiline.parser  docker, cri"
    version = version_of(container.image)
    if version is not None and version < MULTILINE_FROM:
        return ByHand(
            where=where,
            why="Fluent Bit before 1.8 has no multiline parsers",
            todo="Bring Fluent Bit to 1.8 or newer; then put this in the place of Parser and Docker_Mode.",
            block=block,
        )
    stopped = cannot_write(part.file)
    if stopped is not None:
        return replace(stopped, block=block)
    lines = part.file.text.splitlines()
    if _is_yaml(part) and any(
        lines[setting.line - 1].lstrip().startswith(("- {", "{", "- parser", "- multiline"))
        or not lines[setting.line - 1].strip().lstrip("- ").lower().startswith(setting.key)
        for setting in part.settings
        if setting.key in _REPLACED
    ):
        return ByHand(where=where, why="the input is not one setting a line", todo="Write this.", block=block)
    return None


def _parsed_by_filter(part: Part, reads: Fact[Reads]) -> ByHand | None:
    if reads == "neither" or any(setting.key in _REPLACED for setting in part.settings):
        return None
    return ByHand(
        where=str(part.place),
        why="a parser filter takes the lines apart, not the input",
        todo="Put this into the input, and take the filter's parsers for docker and cri away.",
        block="multiline.parser  docker, cri",
    )


def _is_yaml(part: Part) -> bool:
    return part.file.path.endswith((".yaml", ".yml"))


def _notes(container: AgentContainer) -> tuple[str, ...]:
    if version_of(container.image) is not None:
        return ()
    return (f"The image {container.image} must be Fluent Bit 1.8 or newer.",)
