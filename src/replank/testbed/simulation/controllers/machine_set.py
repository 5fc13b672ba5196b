"""The MachineSet controller: adopts by selector, then has exactly as many Machines as it says.

Source: facts file, section 3 (cluster-api v1.14.0, core/reconcilers/machineset).
"""

from __future__ import annotations

from collections.abc import Sequence

from replank.testbed.simulation.controllers.making import make_machine, propagate
from replank.testbed.simulation.controllers.plane import (
    Plane,
    adopt,
    begun,
    cluster_of,
    condition,
    controller_of,
    own,
    owned_by,
    referred,
    released,
    remove,
)
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import (
    DELETE_MACHINE,
    DEPLOYMENT_NAME,
    SET_NAME,
    annotations_of,
    labels_of,
    matches,
)

MANAGER = "capi-machineset"


def reconcile_machine_sets(plane: Plane) -> None:
    """All MachineSets."""
    for seen in plane.objects.all("MachineSet"):
        cluster = cluster_of(plane, seen)
        machine_set = begun(plane, seen, cluster, MANAGER) if cluster is not None else None
        if cluster is None or machine_set is None:
            continue
        if machine_set["metadata"].get("deletionTimestamp"):
            _delete(plane, machine_set)
        else:
            _reconcile(plane, cluster, machine_set)


def machines_of(plane: Plane, machine_set: Document) -> list[Document]:
    """Its own and the orphans that its selector matches, without those that are being deleted."""
    found = []
    for machine in plane.objects.all("Machine", machine_set["metadata"]["namespace"]):
        owner = controller_of(machine)
        mine = owner is None or owner["uid"] == machine_set["metadata"]["uid"]
        if mine and matches(machine, machine_set["spec"]["selector"]["matchLabels"]):
            found.append(machine)
    return [m for m in found if not m["metadata"].get("deletionTimestamp")]


def _reconcile(plane: Plane, cluster: Document, machine_set: Document) -> None:
    template = machine_set["spec"]["template"]["spec"]
    if DEPLOYMENT_NAME not in labels_of(machine_set):
        adopt(plane, machine_set, cluster, MANAGER)
    for reference in (template["infrastructureRef"], template["bootstrap"].get("configRef")):
        adopt(plane, referred(plane, machine_set, reference), cluster, MANAGER)
    wanted = {
        **machine_set["spec"]["template"]["metadata"]["labels"],
        SET_NAME: machine_set["metadata"]["name"],
    }
    machines = []
    for machine in machines_of(plane, machine_set):
        kept: Document | None = machine
        if not owned_by(machine, machine_set) or not matches(machine, wanted):
            edited: Document = copied(machine)
            own(edited, machine_set, controller=True)
            edited["metadata"]["labels"] = {**labels_of(machine), **wanted}
            kept = plane.edit(machine, edited, MANAGER)
        if kept is not None:
            machines.append(kept)
            propagate(plane, kept, wanted, MANAGER)
    _replicas(plane, machine_set, machines)
    _status(plane, machine_set, machines)


def _replicas(plane: Plane, machine_set: Document, machines: Sequence[Document]) -> None:
    short = machine_set["spec"]["replicas"] - len(machines)
    for _ in range(short):
        labelled = {
            **machine_set["spec"]["template"]["metadata"]["labels"],
            SET_NAME: machine_set["metadata"]["name"],
        }
        make_machine(plane, machine_set, machine_set["spec"]["template"]["spec"], labelled, MANAGER)
    if short < 0:
        order = sorted(machines, key=lambda m: DELETE_MACHINE not in annotations_of(m))
        for machine in order[:-short]:
            plane.tell(f"{MANAGER}: deletes Machine {machine['metadata']['name']}")
            remove(plane, machine)


def _status(plane: Plane, machine_set: Document, machines: Sequence[Document]) -> None:
    live = plane.find("MachineSet", machine_set["metadata"]["namespace"], machine_set["metadata"]["name"])
    if live is None:
        return
    edited: Document = copied(live)
    ready = sum(1 for machine in machines if is_ready(machine))
    edited.setdefault("status", {}).update(
        {"replicas": len(machines), "readyReplicas": ready, "availableReplicas": ready}
    )
    edited["status"]["upToDateReplicas"] = len(machines)
    edited["status"]["observedGeneration"] = edited["metadata"].get("generation", 1)
    condition(plane, edited, "MachinesReady", ready == len(machines))
    plane.edit(live, edited, MANAGER)


def is_ready(machine: Document) -> bool:
    """Its condition Ready."""
    found = (machine.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in found)


def _delete(plane: Plane, machine_set: Document) -> None:
    own_ones = [
        m
        for m in plane.objects.all("Machine", machine_set["metadata"]["namespace"])
        if owned_by(m, machine_set)
    ]
    for machine in own_ones:
        remove(plane, machine)
    if not own_ones:
        released(plane, machine_set, MANAGER)
