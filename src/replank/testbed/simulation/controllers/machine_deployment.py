"""The MachineDeployment controller: adopts a MachineSet whose template equals its own, or makes one.

Source: facts file, section 3 (cluster-api v1.14.0, mdutil.MachineTemplateUpToDate).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replank.testbed.simulation.controllers.machine_set import is_ready
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
    API_VERSIONS,
    REVISION,
    TEMPLATE_HASH,
    annotations_of,
    matches,
)

MANAGER = "capi-machinedeployment"
_MUTABLE_IN_PLACE = ("deletion", "readinessGates", "minReadySeconds", "taints")


def reconcile_machine_deployments(plane: Plane) -> None:
    """All MachineDeployments."""
    for seen in plane.objects.all("MachineDeployment"):
        cluster = cluster_of(plane, seen)
        deployment = begun(plane, seen, cluster, MANAGER) if cluster is not None else None
        if cluster is None or deployment is None:
            continue
        if deployment["metadata"].get("deletionTimestamp"):
            _delete(plane, deployment)
        else:
            _reconcile(plane, cluster, deployment)


def same_template(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """MachineTemplateUpToDate: version, bootstrap, infrastructureRef, failureDomain; never labels."""
    ones, others = dict(left["spec"]), dict(right["spec"])
    for name in _MUTABLE_IN_PLACE:
        ones.pop(name, None)
        others.pop(name, None)
    return ones == others


def _reconcile(plane: Plane, cluster: Document, deployment: Document) -> None:
    adopt(plane, deployment, cluster, MANAGER)
    template = deployment["spec"]["template"]
    for reference in (template["spec"]["infrastructureRef"], template["spec"]["bootstrap"].get("configRef")):
        adopt(plane, referred(plane, deployment, reference), cluster, MANAGER)
    sets = []
    for machine_set in plane.objects.all("MachineSet", deployment["metadata"]["namespace"]):
        owner = controller_of(machine_set)
        mine = owner is None or owner["uid"] == deployment["metadata"]["uid"]
        if mine and matches(machine_set, deployment["spec"]["selector"]["matchLabels"]):
            edited: Document = copied(machine_set)
            own(edited, deployment, controller=True)
            kept = plane.edit(machine_set, edited, MANAGER)
            if kept is not None:
                sets.append(kept)
    new = next((s for s in sets if same_template(s["spec"]["template"], template)), None)
    if new is None:
        _make_set(plane, deployment, len(sets))
        return
    revision = annotations_of(new).get(REVISION) or str(len(sets))
    _revise(plane, new, revision)
    old = [s for s in sets if s["metadata"]["uid"] != new["metadata"]["uid"]]
    _scale(plane, deployment, new, old)
    _status(plane, deployment, sets, revision)


def _make_set(plane: Plane, deployment: Document, others: int) -> None:
    """Without others it gets all replicas at once; a rollout begins with a surge of one."""
    suffix = "".join(plane.chance.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))
    meta = deployment["metadata"]
    template = copied(deployment["spec"]["template"])
    template["metadata"]["labels"][TEMPLATE_HASH] = suffix
    document: Document = {
        "apiVersion": API_VERSIONS["MachineSet"],
        "kind": "MachineSet",
        "metadata": {
            "namespace": meta["namespace"],
            "name": f"{meta['name']}-{suffix}",
            "labels": {**template["metadata"]["labels"]},
            "annotations": {REVISION: str(others + 1)},
        },
        "spec": {
            "clusterName": deployment["spec"]["clusterName"],
            "replicas": 1 if others else deployment["spec"]["replicas"],
            "selector": {"matchLabels": {**template["metadata"]["labels"]}},
            "template": template,
        },
    }
    own(document, deployment, controller=True)
    plane.make(document, MANAGER)
    plane.tell(f"{MANAGER}: created MachineSet {document['metadata']['name']}")
    plane.later(1.0)


def _revise(plane: Plane, machine_set: Document, revision: str) -> None:
    edited: Document = copied(machine_set)
    edited["metadata"]["annotations"] = {**annotations_of(machine_set), REVISION: revision}
    plane.edit(machine_set, edited, MANAGER)


def _scale(plane: Plane, deployment: Document, new: Document, old: Sequence[Document]) -> None:
    wanted = deployment["spec"]["replicas"]
    replicas = new["spec"]["replicas"]
    if not old or all(s["spec"]["replicas"] == 0 for s in old):
        replicas = wanted
    _set_replicas(plane, new, replicas)
    if (new.get("status") or {}).get("availableReplicas", 0) >= replicas:
        for machine_set in old:
            _set_replicas(plane, machine_set, max(0, machine_set["spec"]["replicas"] - 1))


def _set_replicas(plane: Plane, machine_set: Document, replicas: int) -> None:
    live = plane.find("MachineSet", machine_set["metadata"]["namespace"], machine_set["metadata"]["name"])
    if live is not None and live["spec"]["replicas"] != replicas:
        edited: Document = copied(live)
        edited["spec"]["replicas"] = replicas
        plane.edit(live, edited, MANAGER)


def _status(plane: Plane, deployment: Document, sets: Sequence[Document], revision: str) -> None:
    meta = deployment["metadata"]
    live = plane.find("MachineDeployment", meta["namespace"], meta["name"])
    if live is None:
        return
    uids = {s["metadata"]["uid"] for s in sets}
    machines = [
        m
        for m in plane.objects.all("Machine", meta["namespace"])
        if (owner := controller_of(m)) is not None and owner["uid"] in uids
    ]
    ready = sum(1 for machine in machines if is_ready(machine))
    edited: Document = copied(live)
    edited["metadata"]["annotations"] = {**annotations_of(live), REVISION: revision}
    edited.setdefault("status", {}).update(
        {
            "replicas": len(machines),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "upToDateReplicas": len(machines),
            "observedGeneration": edited["metadata"].get("generation", 1),
            "phase": "Running" if ready == deployment["spec"]["replicas"] else "ScalingUp",
        }
    )
    condition(plane, edited, "Available", ready >= deployment["spec"]["replicas"])
    condition(plane, edited, "RollingOut", False, "NotRollingOut")
    plane.edit(live, edited, MANAGER)


def _delete(plane: Plane, deployment: Document) -> None:
    namespace = deployment["metadata"]["namespace"]
    sets = [s for s in plane.objects.all("MachineSet", namespace) if owned_by(s, deployment)]
    for machine_set in sets:
        remove(plane, machine_set)
    if not sets:
        released(plane, deployment, MANAGER)
