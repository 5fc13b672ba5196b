"""A node is staged, swapped, and, when somebody asks for it, committed."""

from __future__ import annotations

from replank.domain.errors import Hold, Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.node.words import Outcome
from replank.migrations.runtime_swap.steps.at import At, node_of
from replank.migrations.runtime_swap.steps.node_part import (
    at_rest,
    instructions,
    is_ours,
    parcels,
    refuse_if_anothers,
    status_of,
    tell,
    tell_lastingly,
    went_wrong,
)
from replank.migrations.runtime_swap.steps.pods import (
    live_pods,
    name_of,
    pods_of,
    uid_on_node,
    ways_to,
)
from replank.plan.runtime_swap import PlannedNode

_STAGED = (Outcome.STAGED, Outcome.SWAPPED, Outcome.COMMITTED)
_GONE = (Outcome.NONE, Outcome.UNDONE)


class StageNode:
    """`runtime.stage`: all that it needs lies on the node; nothing that serves changes."""

    async def found(self, at: At) -> JSON:
        status = await status_of(at, node_of(at))
        return {"outcome": str(status.outcome) if status else "", "id": status.id if status else ""}

    async def apply(self, at: At) -> JSON:
        node = node_of(at)
        if is_ours(await status_of(at, node), node, *_STAGED):
            return {"staged": "before"}
        return {"staged": "now", "sent": await _stage(at, node)}

    async def undo(self, at: At) -> JSON:
        node = node_of(at)
        status = await status_of(at, node)
        if status is None or status.outcome in _GONE:
            return {"unstaged": "before"}
        refuse_if_anothers(node, status)
        status = await tell(at, node, "unstage")
        if status.outcome not in _GONE:
            raise went_wrong(node, "could not be unstaged", status)
        return {"unstaged": "now", "stays": list(status.stays)}


class SwapNode:
    """`runtime.swap`: the node swaps its runtime by itself; we start it and hear how it ended."""

    async def found(self, at: At) -> JSON:
        return {"pods": await pods_of(at, node_of(at).node)}

    async def apply(self, at: At) -> JSON:
        node = node_of(at)
        status = await status_of(at, node)
        if status is not None and not status.at_rest:
            status = await at_rest(at, node)
        if not is_ours(status, node, Outcome.SWAPPED, Outcome.COMMITTED):
            if not is_ours(status, node, Outcome.STAGED):
                await _stage(at, node)  # it went back at an earlier try, which took the staging back, too
            if node.strategy == "switch":
                await _name_pods(at, node)
            await tell_lastingly(at, node, "start", Outcome.STAGED)
            status = await at_rest(at, node)
        assert status is not None
        if not is_ours(status, node, Outcome.SWAPPED, Outcome.COMMITTED):
            raise went_wrong(node, f"is {status.outcome or 'not swapped'}", status)
        return {"window_s": status.window_seconds, "stays": list(status.stays)}

    async def undo(self, at: At) -> JSON:
        node = node_of(at)
        status = await status_of(at, node)
        if status is None or status.outcome in (*_GONE, Outcome.STAGED):
            return {"undone": "before"}
        refuse_if_anothers(node, status)
        if status.outcome == Outcome.COMMITTED:
            raise Refused(
                "RP952",
                f"{node.node} cannot go back",
                "its swap was committed: the old runtime is given up",
                "Plan a swap to the version that you want.",
            )
        if not status.at_rest:
            status = await at_rest(at, node)
        if status.outcome != Outcome.UNDONE:
            status = await tell_lastingly(at, node, "undo", status.outcome)
        if status.outcome != Outcome.UNDONE:
            raise went_wrong(node, f"is {status.outcome}", status)
        return {"undone": "now", "stays": list(status.stays)}


class CommitNode:
    """`runtime.commit`: the old runtime is given up. There is no way back."""

    async def found(self, at: At) -> JSON:
        status = await status_of(at, node_of(at))
        return {"outcome": str(status.outcome) if status else ""}

    async def apply(self, at: At) -> JSON:
        node = node_of(at)
        status = await status_of(at, node)
        if is_ours(status, node, Outcome.COMMITTED):
            return {"committed": "before"}
        if status is None or not is_ours(status, node, Outcome.SWAPPED):
            raise Refused(
                "RP953",
                f"{node.node} cannot be committed",
                f"it is {status.outcome if status and status.outcome else 'not swapped'}",
                "Swap it first: apply the plan to its end.",
            )
        status = await tell_lastingly(at, node, "commit", status.outcome)
        if status.outcome != Outcome.COMMITTED:
            raise went_wrong(node, "could not be committed", status)
        return {"committed": "now", "stays": list(status.stays)}

    async def undo(self, at: At) -> JSON:
        raise AssertionError(f"{at.step.id} is irreversible: the engine passes it over")


async def _name_pods(at: At, node: PlannedNode) -> None:
    """Tells the node which pods it may stop and start again: those that are there now.

    Raises `Hold` while pods run that would be started a second time.
    """
    pods = await live_pods(at, node.node)
    once = [pod for pod in pods if pod["spec"].get("restartPolicy", "Always") != "Always"]
    if once:
        raise Hold(
            "RP954",
            f"{node.node} is not switched yet",
            f"these pods run only once: {', '.join(sorted(map(name_of, once)))}",
            "It waits until they have ended. End them yourself if they need not.",
        )
    restartable = (*pods, *await ways_to(at, node.node))
    await at.access.nodes.put(node.node, instructions(node, sorted(uid_on_node(pod) for pod in restartable)))


async def _stage(at: At, node: PlannedNode) -> list[JSON]:
    """What was sent. Raises `Refused` with the node's words."""
    sent: list[JSON] = []
    for parcel in parcels(at.plan, node):
        if await at.access.nodes.put(node.node, parcel):
            sent.append(parcel.path)
    status = await tell(at, node, "stage")
    if status.outcome != Outcome.STAGED:
        raise went_wrong(node, "could not be staged", status)
    return sent
