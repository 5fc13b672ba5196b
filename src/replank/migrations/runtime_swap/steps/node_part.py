"""Speaking to the part that works on a node."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from replank.domain.errors import Refused, Transient
from replank.inventory.hosts.swap_commands import FOLDER, NODE_PART, programs_folder
from replank.migrations.runtime_swap.node.status import NodeStatus, read_status
from replank.migrations.runtime_swap.node.words import Outcome
from replank.migrations.runtime_swap.steps.at import At
from replank.plan.runtime_swap import PlannedNode, RuntimeSwapPlan
from replank.ports.nodes import Parcel, Verb

POLL_S = 1.0
GRACE_S = 120.0
"""Beyond the node's own deadline: by then it has gone back, or says that it is stuck."""


def parcels(plan: RuntimeSwapPlan, node: PlannedNode) -> Iterator[Parcel]:
    """Everything that the node gets, its instructions last."""
    part = files("replank.migrations.runtime_swap.node").joinpath("swap_node.py").read_bytes()
    yield _parcel(NODE_PART, part)
    folder = programs_folder(plan.to.removeprefix("containerd "))
    for file in plan.bundle:
        path = f"{folder}/{file.name}"
        yield Parcel(path=path, sha256=file.sha256, source=file.source)
    yield instructions(node)


def instructions(node: PlannedNode, restartable: Sequence[str] = ()) -> Parcel:
    """plan.json. `restartable`: UIDs of pods that may be stopped and started again: all that changes between
    staging and the start."""
    pods = dict(node.instructions["pods"]) if isinstance(node.instructions["pods"], Mapping) else {}
    told = {**node.instructions, "pods": {**pods, "restartable": list(restartable)}}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, indent=1)
    return _parcel(f"{FOLDER}/plan.json", f"{text}\n".encode())


def _parcel(path: str, data: bytes) -> Parcel:
    return Parcel(path=path, sha256=hashlib.sha256(data).hexdigest(), data=data)


async def status_of(at: At, node: PlannedNode) -> NodeStatus | None:
    """How the node stands; None where it has no part of ours."""
    told = await at.access.nodes.status(node.node)
    return None if told is None else read_status(json.dumps(told).encode(), where=node.node)


async def tell(at: At, node: PlannedNode, verb: Verb) -> NodeStatus:
    """Has the node do it. Raises as `Nodes.tell`."""
    told = await at.access.nodes.tell(node.node, verb)
    return read_status(json.dumps(told).encode(), where=node.node)


async def tell_lastingly(at: At, node: PlannedNode, verb: Verb, was: Outcome) -> NodeStatus:
    """The same for what the node goes on with when the way to it is lost, as that is while a runtime restarts
    below the pod that is the way: then how it stands at rest. `was`: how it stood before.

    Raises `Transient` where it still stands so: nobody knows whether it was told.
    """
    try:
        return await tell(at, node, verb)
    except Transient:
        status = await at_rest(at, node)
        if status.outcome == was:
            raise
        return status


async def at_rest(at: At, node: PlannedNode) -> NodeStatus:
    """Waits until the node has come to its end, which it does without us. A connection that is lost meanwhile
    changes nothing: it is asked again. Raises `Transient` where it cannot be asked for longer than it may
    take, or does not come to rest."""
    seconds = float(str(node.instructions["deadline_seconds"])) + GRACE_S
    end = at.access.clock.now() + seconds
    while True:
        late = at.access.clock.now() >= end
        try:
            status = await status_of(at, node)
        except Transient:
            if late:
                raise
            status = None
        if status is not None and status.at_rest:
            return status
        if late:
            raise Transient(
                "RP951",
                f"{node.node} has not come to rest",
                f"after {seconds:.0f} s it still says {status.outcome if status else 'nothing'}",
                f"Look at the node: `sudo python3 {NODE_PART} status`, and the end of {FOLDER}/log.",
            )
        await at.access.clock.sleep(POLL_S)


def is_ours(status: NodeStatus | None, node: PlannedNode, *outcomes: Outcome) -> bool:
    """Whether the node stands so, by this plan's instructions."""
    return status is not None and status.id == node.instructions["id"] and status.outcome in outcomes


def refuse_if_anothers(node: PlannedNode, status: NodeStatus) -> None:
    """Raises `Refused` RP952: what stands on the node is another plan's, which this run must not undo."""
    if status.id != node.instructions["id"]:
        raise Refused(
            "RP952",
            f"{node.node} cannot go back by this run",
            f"it is {status.outcome or 'being staged'} by another plan's instructions, {status.id}",
            "Undo the run that brought them there: `replank status`.",
        )


def went_wrong(node: PlannedNode, what: str, status: NodeStatus) -> Refused:
    """The node's own words, as the error that stops the cluster."""
    return Refused(
        status.code or "RP951",
        f"{node.node} {what}",
        status.why or status.what or f"it says {status.outcome}",
        status.todo or "Look at the node, then resume or undo the run.",
    )
