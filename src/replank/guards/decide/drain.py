"""Before a node is drained: whether the drain can end, and what must be done first."""

from __future__ import annotations

from collections.abc import Iterator

from replank.domain.unknown import Unknown
from replank.guards.decide.going import Leaving, is_open_to
from replank.guards.decide.surge import is_surging
from replank.guards.decide.waiting import word
from replank.guards.decision import Reason, Word
from replank.guards.names import PRE_DRAIN
from replank.guards.policy import Policy
from replank.guards.sight import MachineSight, PodSight, Sight, WorkloadSight


def before_drain(machine: MachineSight, sight: Sight, policy: Policy, leaving: Leaving) -> Word:
    """What is said of a Machine that waits for the hook before its drain."""
    return word(
        machine,
        PRE_DRAIN,
        tuple(_reasons(machine, sight, policy, leaving)),
        at=sight.at,
        deadline_s=policy.drain.deadline_seconds,
        on_deadline="let-go" if policy.drain.on_deadline == "force" else policy.drain.on_deadline,
    )


def _reasons(machine: MachineSight, sight: Sight, policy: Policy, leaving: Leaving) -> Iterator[Reason]:
    if sight.deleting or not machine.node:
        return  # nothing is drained: the cluster ends, or nothing ever ran there
    if policy.drain.window is not None and not policy.drain.window.is_open(sight.at):
        yield Reason(code="RP722", word="OutsideWindow", text="the maintenance window is closed", fatal=True)
    workload = sight.workload
    if isinstance(workload, Unknown):
        yield Reason(code="RP721", word="WorkloadUnknown", text=workload.unknown)
        return
    node = workload.nodes.get(machine.node)
    if node is None:
        return
    if policy.drain.taint != "none" and not node.going:
        yield Reason(code="RP723", word="Tainting", text=f"Node {node.name} does not carry the taint yet")
    pods = [pod for pod in workload.pods if pod.node == machine.node]
    nodes = workload.nodes.values()
    if pods and not any(n.name not in leaving.closed and is_open_to(machine.role, n) for n in nodes):
        yield Reason(
            code="RP728",
            word="NoOpenNode",
            text=f"no Node that stays takes pods, {len(pods)} would wait: {_some(pods)}",
        )
    for pod in pods:
        yield from _of_pod(pod, workload, policy, leaving)


def _of_pod(pod: PodSight, workload: WorkloadSight, policy: Policy, leaving: Leaving) -> Iterator[Reason]:
    if not pod.owner and policy.drain.bare_pods == "wait":
        yield Reason(code="RP726", word="BarePod", text=f"pod {pod.place} has no controller: gone is gone")
    if policy.drain.surge == "allowed" and is_surging(pod, workload, leaving):
        text = f"{pod.owner} in {pod.namespace} gets a second pod on a Node that stays, first"
        yield Reason(code="RP727", word="Surging", text=text)
        return
    for place in pod.budgets:
        budget = workload.budgets[place]
        about = f"PodDisruptionBudget {place} ({budget.bound}, {budget.pods} pods)"
        whose = f"pod {pod.place} of {pod.owner or 'nobody'}"
        if budget.never:
            text = f"{about} never lets a pod go: {whose}"
            yield Reason(code="RP724", word="BudgetNeverAllows", text=text)
        elif budget.allowed < 1:
            text = f"{about} lets no pod go at the moment: {whose}"
            yield Reason(code="RP725", word="BudgetAllowsNoneNow", text=text)


def _some(pods: list[PodSight]) -> str:
    named = ", ".join(pod.place for pod in pods[:3])
    return named if len(pods) <= 3 else f"{named} and {len(pods) - 3} more"
