"""What must hold of the cluster's log agents before a node writes in another format."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.inventory.log_agents.judgement import Judgement, judge
from replank.migrations.runtime_swap.steps.at import At


async def agents_ready(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `agents.ready`: every log agent reads what containerd writes, as it is configured now.

    The audit has asked so before the run; but a run of many nodes takes long, and others change agents.
    """
    judged = [judge(agent) for agent in await at.access.log_agents.read()]
    lost = [_named(one) for one in judged if not one.ready_for("cri")]
    if lost:
        return failed(
            f"lines of the nodes to come would be lost: {', '.join(lost)}",
            "Let `replank remedy` show the change, roll it out, then resume the run.",
        )
    return passed(agents=len(judged))


def _named(judged: Judgement) -> str:
    kind, _, name = judged.agent.workload.partition("/")
    return f"{kind} {judged.agent.namespace}/{name} ({judged.code})"
