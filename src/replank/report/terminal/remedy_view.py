"""Log agents' remedies in the terminal: what each agent reads, the masked diffs, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from replank.report.remedies import HandWork, ToldAgent, ToldCluster, ToldMap, ToldPlace
from replank.report.terminal.layout import bullets, say
from replank.report.words import count, printable

_READS = {
    "docker": "reads Docker's lines only",
    "cri": "reads CRI lines only",
    "both": "reads both formats",
    "neither": "reads neither format",
    "nothing": "reads no container logs",
    "unknown": "what it reads is not known",
}
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def remedy_view(told: ToldCluster) -> RenderableType:
    """The agents, then the ConfigMaps that their remedies change."""
    todo = sum(not agent.done for agent in told.agents)
    head = say(f"{told.cluster}: {count(len(told.agents), 'log agent')}, {todo} with something to do", "bold")
    return Group(
        head,
        *(_agent(agent) for agent in told.agents),
        *(_config_map(found) for found in told.config_maps),
    )


def written_view(told: ToldCluster) -> RenderableType:
    """What was written, what is left to do, and how it comes back."""
    if not told.written:
        return say(f"{told.cluster}: nothing was written.")
    lines = [f"ConfigMap {name}" for name in told.written]
    lines += [
        f"{agent.workload} of {agent.namespace}: {note}"
        for agent in told.agents
        for note in agent.notes
        if agent.changes
    ]
    lines.append(f"The way back: replank remedy {told.cluster} --undo {told.record}")
    return _titled(f"{told.cluster}: written", bullets(lines))


def undo_view(cluster: str, places: Sequence[ToldPlace]) -> RenderableType:
    """Each place with what becomes of it."""
    parts: list[RenderableType] = []
    for place in places:
        why = f" ({place.code}): {place.why}" if place.code else ""
        parts.append(say(f"ConfigMap {place.namespace}/{place.name}, {place.key}: {place.outcome}{why}"))
        if place.diff:
            parts.append(Padding(_diff(place.diff), (0, 0, 0, 2)))
    return _titled(f"{cluster}: the way back", *parts)


def _titled(title: str, *parts: RenderableType) -> Group:
    """As a section, but the names in the title stay as they are written."""
    return Group(Text(""), say(title, "bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts))


def _agent(agent: ToldAgent) -> RenderableType:
    parts: list[RenderableType] = [say(f"{agent.kind}, {agent.image}: {_READS[agent.reads]}")]
    for found in agent.inputs:
        parts.append(say(f"- {found.name} ({found.place}): {_READS.get(found.reads, found.reads)}"))
        parts += [Padding(bullets([f"{code} {why}"]), (0, 0, 0, 2)) for code, why in found.traps]
    parts += [say(f"Changed for it: {change}") for change in agent.changes]
    for work in agent.by_hand:
        parts += _by_hand(work)
    parts += [say(f"Note: {note}") for note in agent.notes]
    return _titled(f"{agent.namespace}: {agent.workload}, container {agent.container}", *parts)


def _by_hand(work: HandWork) -> Iterator[RenderableType]:
    yield say(f"By hand (RP431), {work.where}: {work.why}", "yellow")
    yield Padding(say(work.todo), (0, 0, 0, 2))
    if work.block:
        yield Padding(_plain(work.block), (0, 0, 0, 4))


def _config_map(found: ToldMap) -> RenderableType:
    parts: list[RenderableType] = [say(f"For {agent}") for agent in found.agents]
    for hindrance in found.hindrances:
        parts.append(say(f"{hindrance.code} {hindrance.why}", "yellow"))
        parts.append(Padding(say(hindrance.todo), (0, 0, 0, 2)))
    parts += [_diff(diff) for diff in found.diffs]
    return _titled(f"ConfigMap {found.namespace}/{found.name}", *parts)


def _diff(diff: str) -> Text:
    lines = [Text(printable(line), style=_DIFF_STYLES.get(line[:1], "")) for line in diff.splitlines()]
    return Text("\n", overflow="fold").join(lines)


def _plain(block: str) -> Text:
    lines = [Text(printable(line)) for line in block.splitlines()]
    return Text("\n", overflow="fold").join(lines)
