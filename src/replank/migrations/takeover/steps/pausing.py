"""Pausing a Cluster, and knowing that the controllers have seen it.

cluster-api v1.14.0, util/paused: a controller of Cluster API writes the condition Paused before it returns.
CAPO v0.14.7 writes none, so nobody can know that it has seen the pause: its credential cannot write instead.
"""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Hold
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import Family, live, look
from replank.migrations.takeover.steps.live_object import condition, condition_is, finalizers_of, spec_of
from replank.ports.access import ObjectRef

SAY_PAUSED: Final = (
    "KubeadmConfig",
    "Machine",
    "MachinePool",
    "MachineSet",
    "MachineDeployment",
    "KubeadmControlPlane",
    "Cluster",
)
_SEEN_WITHIN_S: Final = 20.0
_LOOK_EVERY_S: Final = 0.5


def not_paused(family: Family) -> list[str]:
    """`Kind/name` of the objects whose controller has not said that it is paused.

    An object without condition and without finalizer is none that a controller works on: KCP and
    KubeadmConfigs do nothing before they have their owner.
    """
    return [
        name
        for name, document in family.objects.items()
        if document["kind"] in SAY_PAUSED
        and not condition_is(document, "Paused")
        and (condition(document, "Paused") is not None or finalizers_of(document))
    ]


async def pause_cluster(at: At) -> bool:
    """Sets spec.paused. False where there is no Cluster."""
    name = key("Cluster", at.plan.cluster)
    cluster = await live(at, name)
    if cluster is None:
        return False
    if spec_of(cluster).get("paused") is not True:
        ref = ObjectRef.of(at.plan.manifests[name])
        await at.access.management.merge(ref, {"spec": {"paused": True}})
    return True


async def await_paused(at: At, *names: str) -> None:
    """Waits a moment for Paused=True on the cluster's objects (`names`: of these only).

    Raises `Hold` (RP864) naming those that do not say it; the engine asks again.
    """
    clock = at.access.clock
    deadline = clock.now() + _SEEN_WITHIN_S
    kinds = [name.partition("/")[0] for name in names] or SAY_PAUSED
    while True:
        waiting = [name for name in not_paused(await look(at, kinds)) if not names or name in names]
        if not waiting:
            return
        if clock.now() >= deadline:
            raise Hold(
                "RP864",
                f"Cluster {at.plan.namespace}/{at.plan.cluster} is paused, but not everywhere yet",
                f"no Paused=True on {', '.join(waiting)}",
                "The controllers say it within a second where they run: look at the managers of Cluster API.",
            )
        await clock.sleep(_LOOK_EVERY_S)
