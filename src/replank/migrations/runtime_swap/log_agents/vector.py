"""Vector: kubernetes_logs reads both formats by itself; other sources have to become it."""

from __future__ import annotations

from replank.inventory.log_agents.agent import LogAgent
from replank.inventory.log_agents.judgement import judge_input
from replank.inventory.log_agents.mounted import Files
from replank.inventory.log_agents.workload import AgentContainer
from replank.migrations.runtime_swap.log_agents.model import ByHand, Proposal


def propose(_: AgentContainer, __: Files, agent: LogAgent) -> Proposal:
    """Work by hand for sources other than kubernetes_logs: what reads their records expects other fields."""
    assert isinstance(agent.inputs, tuple)
    return Proposal(
        by_hand=tuple(
            ByHand(
                where=str(found.place),
                why=f"`{found.name}` is no kubernetes_logs source",
                todo="Make it one, and look at the transforms that read from it.",
                block="type: kubernetes_logs\n",
            )
            for found in agent.inputs
            if judge_input(found).reads != "both"
        )
    )
