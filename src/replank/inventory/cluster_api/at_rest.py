"""Whether Cluster API is replacing, making or removing machines of a cluster right now.

Conditions and counts: cluster-api v1.14.0, api/core/v1beta2 and api/controlplane/kubeadm/v1beta2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from replank.inventory.cluster_api.object_meta import condition, deleting, part

Document = Mapping[str, Any]
_MOVES: Final = (
    ("RollingOut", "True"),
    ("MachinesUpToDate", "False"),
    ("ScalingUp", "True"),
    ("ScalingDown", "True"),
    ("Remediating", "True"),
)


def keeper_moves(keeper: Document) -> tuple[str, ...]:
    """Why a KubeadmControlPlane or MachineDeployment is not at rest, in words; empty where it is."""
    return tuple(_moves(keeper))


def machines_move(machines: Iterable[Document]) -> tuple[str, ...]:
    """Machines that are going or coming, in words."""
    found = []
    for machine in machines:
        name = machine["metadata"]["name"]
        if deleting(machine):
            found.append(f"Machine {name} is being deleted")
        elif not part(machine, "status", "nodeRef").get("name"):
            found.append(f"Machine {name} has no Node yet")
    return tuple(sorted(found))


def _moves(keeper: Document) -> Iterator[str]:
    if deleting(keeper):
        yield "it is being deleted"
    for kind, status in _MOVES:
        said = condition(keeper, kind) or {}
        if said.get("status") == status:
            yield f"its condition {kind} is {status}"
    meta, status_ = keeper["metadata"], part(keeper, "status")
    seen, generation = status_.get("observedGeneration"), meta.get("generation")
    if generation is not None and seen is not None and seen != generation:
        yield "its controller has not seen its newest spec"
    wanted = part(keeper, "spec").get("replicas")
    for count in ("replicas", "upToDateReplicas"):
        has = status_.get(count)
        if wanted is not None and has is not None and has != wanted:
            yield f"{count} is {has} of {wanted}"
