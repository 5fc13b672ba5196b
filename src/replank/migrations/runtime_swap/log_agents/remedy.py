"""For a log agent: the configuration that reads both formats, and what is left to do by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.log_agents.agent import AgentKind, LogAgent
from replank.inventory.log_agents.judgement import Judgement, judge
from replank.inventory.log_agents.mounted import Files, Texts, mounted
from replank.inventory.log_agents.read import read
from replank.inventory.log_agents.workload import AgentContainer, AgentWorkload
from replank.migrations.runtime_swap.log_agents import (
    alloy,
    filebeat,
    fluent_bit,
    fluentd,
    loki,
    otel,
    vector,
)
from replank.migrations.runtime_swap.log_agents.model import ByHand, Edit, Proposal, changed, edits
from replank.migrations.runtime_swap.log_agents.splice import Overlap

_PROPOSE: Final[Mapping[AgentKind, Callable[[AgentContainer, Files, LogAgent], Proposal]]] = {
    "fluentd": fluentd.propose,
    "fluent-bit": fluent_bit.propose,
    "vector": vector.propose,
    "promtail": loki.propose,
    "grafana-agent": loki.propose,
    "alloy": alloy.propose,
    "filebeat": filebeat.propose,
    "opentelemetry": otel.propose,
}

BY_HAND: Final = "RP431"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What brings one agent to both formats.

    `before`, `after`: judgements without and with the edits. `edits` empty: nothing to do, or nothing that
    can be done by itself; then `by_hand` says why. `notes`: what the agent's image must have.
    """

    before: Judgement
    after: Judgement
    edits: tuple[Edit, ...] = ()
    by_hand: tuple[ByHand, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The code of what is left to do by hand, "" where nothing is."""
        return BY_HAND if self.by_hand else ""

    @property
    def diff(self) -> str:
        """All edits as people may see them: masked."""
        return "\n".join(edit.diff for edit in self.edits)


def remedy(workload: AgentWorkload, container: AgentContainer, kind: AgentKind, texts: Texts) -> Remedy:
    """The remedy for one agent, from its configuration as it is now.

    Edits are offered only where the edited configuration, read and judged again, reads both formats.
    """
    agent = read(workload, container, kind, texts)
    before = judge(agent)
    if isinstance(agent.inputs, Unknown):
        return _unreadable(before, agent.inputs)
    if isinstance(before.reads, Unknown):
        return _unreadable(before, before.reads)
    files = mounted(container, texts)
    try:
        proposal = _PROPOSE[kind](container, files, agent)
    except Refused as error:
        return _unreadable(before, Unknown(error.reason, error.code))
    try:
        made = edits(proposal, files.by_path)
    except Overlap as error:
        overlapping = ByHand(where=agent.workload, why=str(error), todo="Change it by hand.")
        return Remedy(before=before, after=before, by_hand=(overlapping,))
    after = judge(read(workload, container, kind, changed(texts, made))) if made else before
    if made and not proposal.by_hand and after.reads != "both":
        return Remedy(before=before, after=before, by_hand=(_still_not(after),))
    return Remedy(before=before, after=after, edits=made, by_hand=proposal.by_hand, notes=proposal.notes)


def _unreadable(before: Judgement, why: Unknown) -> Remedy:
    found = ByHand(
        where=before.agent.workload,
        why=why.unknown,
        todo="Look at it by hand, on a line of each format; `replank explain RP423` says how.",
    )
    return Remedy(before=before, after=before, by_hand=(found,))


def _still_not(after: Judgement) -> ByHand:
    reads = after.reads.unknown if isinstance(after.reads, Unknown) else after.reads
    inputs = after.agent.inputs
    blind = not isinstance(inputs, Unknown) and any(found.blind_to for found in inputs)
    evidence = "; ".join(trap.why for one in after.inputs for trap in one.traps)
    return ByHand(
        where=after.agent.workload,
        why=f"the changed configuration would still not read both formats ({reads}): {evidence}",
        todo="Mount /var/log of the node whole." if blind else "Change it by hand.",
    )
