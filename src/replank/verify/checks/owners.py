"""Everything has its owner, and owners have as many Machines as they want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.inventory.cluster_api.object_meta import controlled_by, key_of, part
from replank.verify.check import Check, Found
from replank.verify.sight import Document, Sight, is_control_plane, name_of

_ADOPT: Final = "Its owner takes it by labels, unless it is paused. Compare them with the owner's selector."


def _owned(sight: Sight) -> Iterator[Found]:
    for name, machine in sight.of("Machine").items():
        if sight.keeper(machine) is None:
            yield Found(outcome="fail", subject=f"Machine {name}", why=_not_kept(sight, machine), todo=_ADOPT)
    yield from _followers(sight)
    yield from _of_the_cluster(sight)


def _not_kept(sight: Sight, machine: Document) -> str:
    owner = sight.controller(machine)
    wanted = "the KubeadmControlPlane" if is_control_plane(machine) else "a MachineSet of a MachineDeployment"
    if owner is None:
        return f"nothing controls it: it should be {wanted}"
    if owner["kind"] == "MachineSet" and not is_control_plane(machine):
        return f"{key_of(owner)} controls it, which no MachineDeployment controls"
    return f"{key_of(owner)} controls it: it should be {wanted}"


def _followers(sight: Sight) -> Iterator[Found]:
    """OpenStackMachine and KubeadmConfig of a Machine, and CAPO's OpenStackServer."""
    for machine in sight.of("Machine").values():
        config = sight.referred(part(machine, "spec", "bootstrap", "configRef"))
        infrastructure = sight.infrastructure(machine)
        pairs = [(config, machine), (infrastructure, machine)]
        if infrastructure is not None:
            pairs.append((sight.get("OpenStackServer", name_of(infrastructure)), infrastructure))
        for document, owner in pairs:
            if document is not None and not _has_owner(document, owner):
                yield Found(
                    outcome="fail",
                    subject=key_of(document).replace("/", " "),
                    why=f"{key_of(owner)} does not own it",
                    todo="Cluster API would leave it behind. Unpause it; then its owner takes it.",
                )


def _has_owner(document: Document, owner: Document) -> bool:
    found = document["metadata"].get("ownerReferences") or ()
    return any(each.get("uid") == owner["metadata"].get("uid") for each in found)


def _of_the_cluster(sight: Sight) -> Iterator[Found]:
    cluster = sight.get("Cluster", sight.cluster)
    if cluster is None:
        return
    spec = part(cluster, "spec")
    named = [sight.referred(spec.get(name) or {}) for name in ("controlPlaneRef", "infrastructureRef")]
    for document in (*named, *sight.of("MachineDeployment").values()):
        if document is not None and not _has_owner(document, cluster):
            yield Found(
                outcome="fail",
                subject=key_of(document).replace("/", " "),
                why="the Cluster does not own it",
                todo="Unpause the Cluster and it; then it is taken.",
            )


def _counted(sight: Sight) -> Iterator[Found]:
    machines = [(name, m, sight.keeper(m)) for name, m in sight.of("Machine").items()]
    for kind in ("KubeadmControlPlane", "MachineDeployment", "MachineSet"):
        for name, owner in sight.of(kind).items():
            own = [n for n, m, keeper in machines if keeper is owner or controlled_by(m, owner)]
            wanted = part(owner, "spec").get("replicas")
            if wanted != len(own):
                yield Found(
                    outcome="fail",
                    subject=f"{kind} {name}",
                    why=f"it wants {wanted} Machines and has {len(own)}",
                    todo="While it scales or rolls this is so for a time: verify again when it rests.",
                    evidence=tuple(sorted(own)),
                )


CHECKS: Final = (
    Check(
        code="RP743",
        says="Every object has its owner: KubeadmControlPlane, MachineSet, MachineDeployment, Cluster",
        needs=(
            *("Machine", "MachineSet", "MachineDeployment", "KubeadmControlPlane", "KubeadmConfig"),
            *("OpenStackMachine", "OpenStackServer", "OpenStackCluster"),
        ),
        look=_owned,
    ),
    Check(
        code="RP744",
        says="Owners have as many Machines as they want",
        needs=("Machine", "MachineSet", "MachineDeployment", "KubeadmControlPlane"),
        look=_counted,
    ),
)
