"""Log agents: each code that their judgement knows is a rule here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.audit.finding import AuditSettings
from replank.audit.rule import Sighting, seen, unseen
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.log_agents.judgement import Judgement
from replank.migrations.runtime_swap.checks.book import rule
from replank.migrations.runtime_swap.checks.look import judgements, uses_docker

_LOST: Final = (
    "Records of these containers are lost, or end as text that nothing parses, and no probe shows it."
)
_SHIP: Final = (
    "Ship the agent with the remedy that replank shows to every node before the first one is swapped (N-1)."
)
_FORMATS: Final = ("RP420", "RP421", "RP422")
_TRAPS: Final = {
    "RP424": "Lines of nodes whose clock has another zone are lost.",
    "RP425": "Empty lines are lost.",
    "RP426": "Long records arrive in pieces, or block others.",
    "RP427": "What reads the records downstream finds their content under another name after the swap.",
    "RP428": "On a node with containerd it finds nothing to read.",
    "RP429": "When its pod starts anew it reads from the beginning or the end: records twice, or lost.",
    "RP432": "It reads nothing any more once Docker is gone.",
    "RP433": "A few lines of applications are cut wrongly.",
    "RP434": "The first lines of every container that starts while the agent is away are lost.",
}
_BLOCKERS: Final = ("RP432",)


def _of(judged: Judgement) -> str:
    kind, _, name = judged.agent.workload.partition("/")
    return f"{kind} {judged.agent.namespace}/{name}"


def _formats(code: str) -> None:
    @rule(code, Severity.BLOCKER, consequence=_LOST, remedy=_SHIP)
    def reads_too_little(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
        """Agents whose judgement has this code. Without Docker nodes, who reads CRI lines reads all."""
        docker = uses_docker(snapshot)
        for judged in judgements(snapshot):
            if judged.code == code and (docker or code != "RP421"):
                evidence = [line for one in judged.inputs for line in one.evidence]
                yield seen(_of(judged), f"{judged.agent.kind}: {judged.agent.image}", *evidence)


def _traps(code: str, consequence: str) -> None:
    severity = Severity.BLOCKER if code in _BLOCKERS else Severity.RISK

    @rule(code, severity, consequence=consequence, remedy=_SHIP)
    def has_a_trap(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
        """Agents with this trap in an input. In place nothing of it is new."""
        if not uses_docker(snapshot):
            return
        for judged in judgements(snapshot):
            lines = [
                f"{one.place}: {one.name}: {trap.why}"
                for one in judged.inputs
                for trap in one.traps
                if trap.code == code
            ]
            if lines:
                yield seen(_of(judged), *dict.fromkeys(lines))


@rule("RP423", Severity.BLOCKER, consequence=_LOST, remedy="Look at it by hand, on a line of each format.")
def what_it_reads_is_unknown(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Agents whose configuration could not be read wholly."""
    for judged in judgements(snapshot):
        if isinstance(judged.reads, Unknown):
            yield unseen(_of(judged), judged.reads)


for _code in _FORMATS:
    _formats(_code)
for _code, _consequence in _TRAPS.items():
    _traps(_code, _consequence)
