"""Which nodes are about to go, and their taint."""

from __future__ import annotations

from dataclasses import dataclass

from replank.guards.decision import Taint
from replank.guards.names import PRE_DRAIN, WAITING_FOR_PRE_TERMINATE
from replank.guards.policy import Policy
from replank.guards.sight import MachineSight, NodeSight, Sight, WorkloadSight


@dataclass(frozen=True, slots=True)
class Leaving:
    """Nodes that pods leave. `closed`: pods must not move there. `held`: those of them whose drain our hook
    holds. `drained`: those whose Machine is deleted, and no hook of ours holds its drain."""

    closed: frozenset[str]
    held: frozenset[str] = frozenset()
    drained: frozenset[str] = frozenset()

    def outlasts(self, other: str, node: str) -> bool:
        """Whether a pod on `other` is still there when `node`, which is held, is drained. Of two nodes that
        are held the first by name goes first, or each would wait for the other for ever."""
        return other not in self.drained and (other not in self.held or other > node)


def going(sight: Sight) -> tuple[MachineSight, ...]:
    """Machines that are deleted, chosen to be, or outdated under somebody who replaces them."""
    return tuple(
        machine
        for machine in sight.machines
        if machine.deleting_since is not None
        or machine.chosen
        or (machine.outdated and machine.keeper in sight.rolling)
    )


def waits_for_drain(machine: MachineSight) -> bool:
    """Whether it waits, or is about to wait, for the hook before its drain.

    Cluster API passes that hook over where the Node must not be deleted (none there, the last control plane;
    core/reconcilers/machine, isDeleteNodeAllowed): then it waits for the other one with this still on.
    """
    return (
        machine.deleting_since is not None
        and PRE_DRAIN in machine.hooks
        and machine.waits_for != WAITING_FOR_PRE_TERMINATE
    )


def leaving(sight: Sight, policy: Policy) -> Leaving:
    """Where the whole set is tainted, all of it is closed; else only what is deleted already."""
    machines = [machine for machine in going(sight) if machine.node]
    deleted = [machine for machine in machines if machine.deleting_since is not None]
    held = frozenset(machine.node for machine in deleted if waits_for_drain(machine))
    return Leaving(
        closed=frozenset(m.node for m in (machines if policy.drain.taint == "set" else deleted)),
        held=held,
        drained=frozenset(machine.node for machine in deleted) - held,
    )


def taints(sight: Sight, policy: Policy, workload: WorkloadSight) -> tuple[Taint, ...]:
    """NoSchedule where it should be and is not, and the other way round, by the nodes' names.

    The nodes of a whole set are closed only once a node that stays is open to pods: before, new pods would
    have nowhere to run.
    """
    wanted = _wanted(sight, policy, workload)
    nodes = workload.nodes.values()
    return tuple(
        Taint(node.name, node.name in wanted)
        for node in sorted(nodes, key=lambda node: node.name)
        if node.going != (node.name in wanted)
    )


def is_open_to(role: str, node: NodeSight) -> bool:
    """Whether pods displaced from a machine of that role may run there. Control planes' pods tolerate their
    taint, others do not."""
    return node.open and not (node.reserved and role == "worker")


def _wanted(sight: Sight, policy: Policy, workload: WorkloadSight) -> set[str]:
    doomed = going(sight)
    nodes = {machine.node for machine in doomed}
    wanted: set[str] = set()
    for machine in doomed:
        at_once = machine.deleting_since is not None
        if policy.drain.taint == "none" or (policy.drain.taint == "machine" and not at_once):
            continue
        stays = any(
            is_open_to(machine.role, node) for name, node in workload.nodes.items() if name not in nodes
        )
        if at_once or stays:
            wanted.add(machine.node)
    return wanted
