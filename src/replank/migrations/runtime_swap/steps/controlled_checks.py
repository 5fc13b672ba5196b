"""What must hold of a cluster that Cluster API has, before and after its objects or nodes are touched."""

from __future__ import annotations

from collections.abc import Mapping

from replank.domain.verdict import Verdict, failed, passed, waiting
from replank.inventory.cluster_api.at_rest import keeper_moves, machines_move
from replank.inventory.cluster_api.controlled_objects import KEEPERS
from replank.inventory.cluster_api.names import PAUSED
from replank.inventory.cluster_api.object_meta import annotated
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.steps.align import standing, unaligned
from replank.migrations.runtime_swap.steps.at import At
from replank.migrations.runtime_swap.steps.controlled import alignment_of, family
from replank.plan.parameters import found_before
from replank.ports.access import Document

_STOP = "Pause its owner (annotation cluster.x-k8s.io/paused) and look at what `replank verify` says."


async def at_rest(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `controlled.at-rest`: Cluster API replaces, makes and removes nothing now. Of what
    is paused only Machines count: its own status is of before."""
    objects = await family(at)
    moving = _moving(objects)
    if moving:
        return waiting("; ".join(moving))
    return passed(machines=sum(1 for key in objects if key.startswith("Machine/")))


async def aligned(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `controlled.aligned`: every object is as the plan makes it, and this run pauses none."""
    left = await unaligned(at, alignment_of(at))
    return waiting(f"not so yet: {', '.join(left)}") if left else passed()


async def nothing_replaced(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `controlled.nothing-replaced`: the same Machines and MachineSets as before, no new revision, and
    the controllers, which have seen it, wish nothing else."""
    before, objects = found_before(at.before), await family(at)
    for what, now in standing(objects).items():
        was = before.get(what)
        if was != now:
            return failed(
                f"{what} were {_names(was)}, and are {_names(now)}",
                f"A rollout began. {_STOP}",
                was=was,
                now=now,
            )
    moving = _moving(objects)
    if moving:
        return waiting("; ".join(moving))
    return passed(**before)


async def kept(at: At, _: Mapping[str, JSON]) -> Verdict:
    """Check `controlled.keep`: nothing would be replaced, by upstream's own comparison where its program is
    there (`by` in the evidence)."""
    objects = await family(at)
    judgement = await at.access.judge.judge(objects)
    if judgement.rolling:
        rolling = [f"{found.object}: {found.why}" for found in judgement.rolling]
        return failed(f"would be replaced: {'; '.join(rolling)}", _STOP, by=judgement.by, rolling=rolling)
    return passed(by=judgement.by, judged=len(objects))


def _moving(objects: Mapping[str, Document]) -> list[str]:
    found = [
        f"{key}: {why}"
        for key, document in objects.items()
        if document["kind"] in KEEPERS and PAUSED not in annotated(document)
        for why in keeper_moves(document)
    ]
    return [*found, *machines_move(d for d in objects.values() if d["kind"] == "Machine")]


def _names(told: object) -> str:
    return ", ".join(sorted(told)) or "none" if isinstance(told, dict) else "not seen"
