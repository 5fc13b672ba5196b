"""What must be so before a pause is lifted, whatever the plan's checks have said."""

from __future__ import annotations

from typing import Final

from replank.domain.errors import Refused
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.names import machine_set
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import Family, kind_in, look, name_in
from replank.migrations.takeover.steps.live_object import (
    annotations_of,
    controller_of,
    is_deleting,
    labels_of,
    spec_of,
)
from replank.migrations.takeover.vocabulary import NO_USER_DATA, PAUSED
from replank.ports.access import ObjectRef

OWNERS: Final = ("MachineSet", "MachineDeployment", "KubeadmControlPlane")


async def require_paused_owners(at: At) -> None:
    """Every owner of Machines, the plan's and any other of the cluster, carries the pause annotation.

    Raises `Refused` (RP863).
    """
    family = await look(at, OWNERS)
    planned = [name for name in at.plan.manifests if kind_in(name) in OWNERS]
    wrong = [f"{name} is not there" for name in planned if name not in family.objects]
    wrong += [
        f"{name} carries no pause annotation"
        for name, document in family.objects.items()
        if PAUSED not in annotations_of(document)
    ]
    wrong += [f"{name} is not the plan's" for name in family.objects if name not in planned]
    if wrong:
        raise Refused(
            "RP863",
            f"Cluster {at.plan.namespace}/{at.plan.cluster} is not unpaused",
            f"{'; '.join(wrong)}. Controllers would make or remove machines at once",
            "Put the annotation cluster.x-k8s.io/paused back and resume, or undo the run.",
        )


async def require_no_user_data(at: At) -> None:
    """Every Machine names a Secret that does not exist: CAPO reads user data only to make a server.

    Raises `Refused` (RP867).
    """
    family = await look(at, ("Machine",))
    wrong = []
    for machine in at.plan.machines:
        document = family.get("Machine", machine.machine)
        bootstrap = {} if document is None else spec_of(document).get("bootstrap") or {}
        if bootstrap.get("dataSecretName") != NO_USER_DATA:
            wrong.append(
                f"Machine {machine.machine} "
                + ("is not there" if document is None else "has another dataSecretName")
            )
    secret = ObjectRef("v1", "Secret", at.plan.namespace, NO_USER_DATA)
    if await at.access.management.get(secret) is not None:
        wrong.append(f"Secret {at.plan.namespace}/{NO_USER_DATA} exists")
    if wrong:
        raise Refused(
            "RP867",
            f"Cluster {at.plan.namespace}/{at.plan.cluster} is not unpaused",
            f"{'; '.join(wrong)}. A server that CAPO does not find would be made anew",
            "Put it back as the plan has it and resume, or undo the run.",
        )


async def require_no_deletion(at: At) -> None:
    """Nothing of the cluster is being deleted. Raises `Refused` (RP861)."""
    deleting = [name for name, document in (await look(at)).objects.items() if is_deleting(document)]
    if deleting:
        raise Refused(
            "RP861",
            "Nothing is unpaused",
            f"{', '.join(deleting)} carries a deletionTimestamp: what is behind it would be deleted",
            "A deletion cannot be taken back in Kubernetes: undo the run, which removes the object without "
            "its controller.",
        )


async def require_machine_counts(at: At, name: str) -> None:
    """A MachineSet has exactly the Machines it wants, a MachineDeployment exactly its MachineSet.

    Else Machines are made, or the surplus is deleted (cluster-api v1.14.0, MachineSet.syncReplicas). Raises
    `Refused` (RP868).
    """
    family = await look(at, ("Machine", "MachineSet", "MachineDeployment"))
    if kind_in(name) == "MachineSet":
        wrong = _set_faults(at, family, name_in(name))
    else:
        wrong = _deployment_faults(at, family, name_in(name))
    if wrong:
        raise Refused(
            "RP868",
            f"{name} is not unpaused",
            f"{'; '.join(wrong)}. It would make or delete Machines",
            "Put it back as the plan has it and resume, or undo the run.",
        )


def _set_faults(at: At, family: Family, name: str) -> list[str]:
    found = family.get("MachineSet", name)
    if found is None:
        return [f"MachineSet {name} is not there"]
    selector = (spec_of(found).get("selector") or {}).get("matchLabels") or {}
    selected = {
        machine
        for machine, document in family.of("Machine").items()
        if selector.items() <= labels_of(document).items()
    }
    planned = {
        name_in(key_)
        for key_, manifest in at.plan.manifests.items()
        if kind_in(key_) == "Machine" and selector.items() <= labels_of(manifest).items()
    }
    wrong = []
    if not selector or selected != planned:
        wrong.append(f"it selects {sorted(selected)}, the plan's Machines are {sorted(planned)}")
    if spec_of(found).get("replicas") != len(planned):
        wrong.append(f"it wants {spec_of(found).get('replicas')} replicas for {len(planned)} Machines")
    return wrong


def _deployment_faults(at: At, family: Family, name: str) -> list[str]:
    found, wanted = family.get("MachineDeployment", name), machine_set(name)
    if found is None:
        return [f"MachineDeployment {name} is not there"]
    selector = (spec_of(found).get("selector") or {}).get("matchLabels") or {}
    sets = {
        set_name
        for set_name, document in family.of("MachineSet").items()
        if selector.items() <= labels_of(document).items()
    }
    wrong = [] if sets == {wanted} else [f"its MachineSets are {sorted(sets)}, the plan's is {wanted}"]
    planned = spec_of(at.plan.manifests[key("MachineDeployment", name)]).get("replicas")
    for document in (found, family.get("MachineSet", wanted)):
        if document is not None and spec_of(document).get("replicas") != planned:
            replicas = spec_of(document).get("replicas")
            wrong.append(f"{document['kind']} wants {replicas} replicas, the plan {planned}")
    owned = {
        machine
        for machine, document in family.of("Machine").items()
        if (controller_of(document) or {}).get("name") == wanted
    }
    if len(owned) != planned:
        wrong.append(f"MachineSet {wanted} owns {len(owned)} Machines, the plan has {planned}")
    return wrong
