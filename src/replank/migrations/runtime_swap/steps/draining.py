"""A node is emptied before Docker is switched off under it, and opened again afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.domain.errors import Hold, Refused
from replank.inventory.facts.json_value import JSON
from replank.inventory.label_selector import selects
from replank.migrations.runtime_swap.steps.at import At, node_of
from replank.migrations.runtime_swap.steps.pods import bare, is_evicted, live_pods, name_of, pods_on
from replank.plan.parameters import found_before
from replank.ports.access import Document, ObjectRef

WAY_BACK_S: Final = 120.0
"""So long an undo waits for a node to be empty."""

_POLL_S: Final = 2.0
_MARK: Final = "replank.dev/cordoned"
"""Annotation of a Node that a drain of ours has cordoned: nobody else's cordon is taken off."""


class DrainNode:
    """`runtime.drain`: no new pods come, and those that a controller makes anew elsewhere are evicted.

    DaemonSets' pods and static ones stay; they restart with the runtime. Each eviction asks the budgets.
    """

    async def found(self, at: At) -> JSON:
        return {"unschedulable": await _unschedulable(at)}

    async def apply(self, at: At) -> JSON:
        node = node_of(at).node
        if alone := sorted(name_of(pod) for pod in await live_pods(at, node) if bare(pod)):
            raise Refused(
                "RP954",
                f"{node} cannot be drained",
                f"nobody makes these pods anew elsewhere: {', '.join(alone)}",
                "Move or end them yourself, then resume the run.",
            )
        if not await _unschedulable(at):
            await _cordon(at)
        held = await _evict(at, [pod for pod in await live_pods(at, node) if is_evicted(pod)])
        if held is not None:
            raise held
        if left := sorted(name_of(pod) for pod in await pods_on(at, node) if is_evicted(pod)):
            raise Hold(
                "RP955",
                f"{node} is not empty yet",
                f"these pods are ending: {', '.join(left)}",
                "It is looked at again.",
            )
        return {"drained": node}

    async def undo(self, at: At) -> JSON:
        return await _open(at)


class OpenNode:
    """`runtime.open`: new pods may come again, unless somebody else has cordoned the node.

    Undone, it is emptied for the way back as it was for the way there, but not at any price: whoever goes
    back may have to. What budgets keep, or nobody makes anew elsewhere, restarts where it is.
    """

    async def found(self, at: At) -> JSON:
        return {"ours": await _cordoned_by_us(at)}

    async def apply(self, at: At) -> JSON:
        return await _open(at)

    async def undo(self, at: At) -> JSON:
        if not found_before(at.before).get("ours"):
            return {"left": "as it is"}
        await _cordon(at)
        return {"cordoned": node_of(at).node, "stayed": list(await _empty_in_time(at))}


async def _cordon(at: At) -> None:
    """Cordoned, and marked as ours in the same write."""
    mark = {"metadata": {"annotations": {_MARK: "true"}}, "spec": {"unschedulable": True}}
    await at.access.workload.merge(_ref(node_of(at).node), mark)


async def _open(at: At) -> JSON:
    if not await _cordoned_by_us(at):
        return {"left": "as it was before the drain"}
    unmark = {"metadata": {"annotations": {_MARK: None}}, "spec": {"unschedulable": None}}
    await at.access.workload.merge(_ref(node_of(at).node), unmark)
    return {"opened": node_of(at).node}


async def _empty_in_time(at: At) -> tuple[str, ...]:
    """Names of the pods that are there still when the time is up."""
    node, end = node_of(at).node, at.access.clock.now() + WAY_BACK_S
    while True:
        await _evict(at, [pod for pod in await live_pods(at, node) if is_evicted(pod) and not bare(pod)])
        left = sorted(name_of(pod) for pod in await pods_on(at, node) if is_evicted(pod) and not bare(pod))
        if not left or at.access.clock.now() >= end:
            return tuple(left)
        await at.access.clock.sleep(_POLL_S)


async def _evict(at: At, pods: Sequence[Document]) -> Hold | None:
    """Evicts those whose budgets allow it; the first that none does. A budget that says no is not asked again
    and again by trying."""
    held: Hold | None = None
    budgets = await at.access.workload.list("policy/v1", "PodDisruptionBudget") if pods else ()
    for pod in pods:
        meta = pod["metadata"]
        full = [budget for budget in budgets if _covers(budget, pod) and not _allows(budget)]
        if full:
            names = ", ".join(name_of(budget) for budget in full)
            held = held or _budget_says_no(pod, f"PodDisruptionBudget {names} lets no pod go at the moment")
            continue
        ref = ObjectRef("v1", "Pod", meta["namespace"], meta["name"])
        try:
            await at.access.workload.evict(ref, uid=meta["uid"])
        except Hold as error:
            held = held or error
    return held


def _covers(budget: Document, pod: Document) -> bool:
    meta = pod["metadata"]
    same = budget["metadata"]["namespace"] == meta["namespace"]
    return bool(same) and selects(budget["spec"].get("selector") or {}, meta.get("labels") or {})


def _allows(budget: Document) -> bool:
    return int(budget.get("status", {}).get("disruptionsAllowed", 0)) > 0


def _budget_says_no(pod: Document, why: str) -> Hold:
    return Hold(
        "RP955",
        f"pod {name_of(pod)} is not evicted yet",
        why,
        "It is looked at again. Where the budget never allows one, its owner must change it.",
    )


async def _cordoned_by_us(at: At) -> bool:
    live = await at.access.workload.get(_ref(node_of(at).node))
    return bool(live and _MARK in (live["metadata"].get("annotations") or {}))


async def _unschedulable(at: At) -> bool:
    live = await at.access.workload.get(_ref(node_of(at).node))
    return bool(live and live.get("spec", {}).get("unschedulable"))


def _ref(node: str) -> ObjectRef:
    return ObjectRef("v1", "Node", "", node)
