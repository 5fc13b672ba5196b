"""One round: from what was seen to what is done and said."""

from __future__ import annotations

from collections.abc import Iterator

from replank.domain.unknown import Unknown
from replank.guards.decide.drain import before_drain
from replank.guards.decide.going import Leaving, leaving, taints, waits_for_drain
from replank.guards.decide.pools import Kept, keep
from replank.guards.decide.surge import scales
from replank.guards.decide.termination import before_termination
from replank.guards.decide.waiting import release
from replank.guards.decision import Action, AddHooks, Decision, Word
from replank.guards.names import PRE_DRAIN, PRE_TERMINATE, WAITING_FOR_PRE_TERMINATE
from replank.guards.policy import Policy
from replank.guards.sight import MachineSight, Sight


def decide(sight: Sight, policy: Policy) -> Decision:
    """A pure function. Releases come last, and only for what was seen to be done already.

    A paused Cluster is nobody's: it is being moved, adopted or given back.
    """
    if sight.paused:
        return Decision()
    nodes = leaving(sight, policy)
    kept = Kept() if sight.deleting else keep(sight, policy)
    actions: list[Action] = [*_in_the_workload(sight, policy, nodes), *kept.actions]
    words: list[Word] = []
    for machine in sight.machines:
        if waits_for_drain(machine):
            words.append(before_drain(machine, sight, policy, nodes))
        elif _waits_for_termination(machine):
            holds = kept.holds.get(machine.name, ())
            said, floating_ips = before_termination(machine, sight, policy, holds)
            words.append(said)
            actions += floating_ips
    actions += _hooks(sight, policy)
    releases = [action for said in words for action in release(said)]
    return Decision(actions=(*actions, *releases), words=tuple(words), notes=tuple(kept.notes))


def _waits_for_termination(machine: MachineSight) -> bool:
    """Only once Cluster API says so: before, it has not drained."""
    return PRE_TERMINATE in machine.hooks and machine.waits_for == WAITING_FOR_PRE_TERMINATE


def _in_the_workload(sight: Sight, policy: Policy, nodes: Leaving) -> Iterator[Action]:
    """Pods are made more only in a later round than the taints, or they might come to a Node that goes."""
    if sight.deleting or isinstance(sight.workload, Unknown):
        return
    changed = taints(sight, policy, sight.workload)
    yield from changed
    if not any(taint.on for taint in changed):
        yield from scales(sight.workload, policy, nodes)


def _hooks(sight: Sight, policy: Policy) -> Iterator[AddHooks]:
    if policy.hooks != "all" or sight.deleting:
        return
    for machine in sight.machines:
        missing = tuple(hook for hook in (PRE_DRAIN, PRE_TERMINATE) if hook not in machine.hooks)
        if missing and machine.deleting_since is None:
            yield AddHooks(machine.name, missing, machine.resource_version)
