"""From remedies to what is told of them: texts of configurations stay behind, diffs are masked."""

from __future__ import annotations

from replank.domain.unknown import Unknown
from replank.inventory.log_agents.judgement import InputJudgement
from replank.migrations.runtime_swap.log_agents.changes import (
    AgentRemedy,
    ClusterRemedies,
    MapChange,
    restart,
)
from replank.report.remedies import HandWork, ToldAgent, ToldCluster, ToldHindrance, ToldInput, ToldMap


def told(cluster: str, found: ClusterRemedies) -> ToldCluster:
    """A cluster's remedies as reports have them."""
    return ToldCluster(
        cluster=cluster,
        agents=tuple(map(_agent, found.agents)),
        config_maps=tuple(map(_map, found.changes)),
    )


def _agent(agent: AgentRemedy) -> ToldAgent:
    remedy = agent.remedy
    reads = remedy.before.reads
    restarts = (restart(agent.workload),) if remedy.edits else ()
    return ToldAgent(
        namespace=agent.workload.namespace,
        workload=agent.workload.reference,
        container=agent.container.name,
        kind=remedy.before.agent.kind,
        image=agent.container.image,
        reads="unknown" if isinstance(reads, Unknown) else reads,
        inputs=tuple(map(_input, remedy.before.inputs)),
        changes=tuple(f"{edit.source}, {edit.key}" for edit in remedy.edits),
        by_hand=tuple(
            HandWork(where=work.where, why=work.why, todo=work.todo, block=work.block)
            for work in remedy.by_hand
        ),
        notes=(*remedy.notes, *restarts),
        done=agent.is_done,
    )


def _input(found: InputJudgement) -> ToldInput:
    reads = found.reads
    return ToldInput(
        name=found.name,
        place=found.place,
        reads=f"not known: {reads.unknown}" if isinstance(reads, Unknown) else reads,
        traps=tuple((trap.code, trap.why) for trap in found.traps),
    )


def _map(change: MapChange) -> ToldMap:
    return ToldMap(
        namespace=change.live.namespace,
        name=change.live.name,
        diffs=tuple(edit.diff for edit in change.edits),
        agents=change.agents,
        kept_by=change.live.kept_by,
        hindrances=tuple(
            ToldHindrance(code=found.code, why=found.why, todo=found.todo) for found in change.hindrances
        ),
    )
