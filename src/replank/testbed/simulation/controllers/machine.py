"""The Machine controller: owners, providerID, nodeRef, what it writes on Nodes, and deletion with its hooks.

Source: facts file, sections 2, 5 and 9 (cluster-api v1.14.0, core/reconcilers/machine).
"""

from __future__ import annotations

from replank.testbed.simulation.controllers.plane import (
    Plane,
    adopt,
    begun,
    cluster_of,
    condition,
    controller_of,
    is_paused,
    own,
    referred,
    released,
    remove,
    told_paused,
)
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import (
    CONTROL_PLANE,
    CONTROL_PLANE_NAME,
    PRE_DRAIN,
    PRE_TERMINATE,
    SET_NAME,
    annotations_of,
    labels_of,
)

MANAGER = "capi-machine"
_PREFIX = "cluster.x-k8s.io/"


def reconcile_machines(plane: Plane) -> None:
    """All Machines, and the KubeadmConfigs that they own."""
    for seen in plane.objects.all("Machine"):
        cluster = cluster_of(plane, seen)
        machine = begun(plane, seen, cluster, MANAGER) if cluster is not None else None
        if cluster is None or machine is None:
            continue
        if machine["metadata"].get("deletionTimestamp"):
            _delete(plane, machine)
        else:
            _reconcile(plane, cluster, machine)
    _bootstrap_configs(plane)


def _reconcile(plane: Plane, cluster: Document, machine: Document) -> None:
    edited: Document = copied(machine)
    name = cluster["metadata"]["name"]
    if controller_of(machine) is None and not {SET_NAME, CONTROL_PLANE_NAME} & labels_of(machine).keys():
        own(edited, cluster)
    config = referred(plane, machine, machine["spec"]["bootstrap"].get("configRef"))
    infrastructure = referred(plane, machine, machine["spec"]["infrastructureRef"])
    adopt(plane, config, machine, MANAGER, controller=True, label=name)
    adopt(plane, infrastructure, machine, MANAGER, controller=True, label=name)
    status = edited.setdefault("status", {})
    initialization = status.setdefault("initialization", {})
    if machine["spec"]["bootstrap"].get("dataSecretName"):
        initialization["bootstrapDataSecretCreated"] = True
    elif config is not None and (secret := (config.get("status") or {}).get("dataSecretName")):
        edited["spec"]["bootstrap"]["dataSecretName"] = secret
    seen = (infrastructure or {}).get("status") or {}
    provider_id = ((infrastructure or {}).get("spec") or {}).get("providerID", "")
    if seen.get("ready") and provider_id:
        edited["spec"]["providerID"] = provider_id
        initialization["infrastructureProvisioned"] = True
    condition(plane, edited, "InfrastructureReady", bool(seen.get("ready")))
    node = _node(plane, cluster, edited)
    if node is not None:
        status["nodeRef"] = {"name": node["metadata"]["name"]}
        _annotate(plane, cluster, edited, node)
    running = "nodeRef" in status
    status["phase"] = "Running" if running else "Provisioning"
    _health(plane, edited, node)
    plane.edit(machine, edited, MANAGER)


def _health(plane: Plane, edited: Document, node: Document | None) -> None:
    """NodeHealthy of a control plane needs KCP's conditions: Unknown while KCP is paused (section 9.9)."""
    ready = _is_ready(node) if node is not None else None
    reference = controller_of(edited)
    if CONTROL_PLANE in labels_of(edited) and reference is None:
        ready = None
    condition(plane, edited, "NodeHealthy", ready)
    condition(plane, edited, "Ready", ready)
    condition(plane, edited, "Available", ready)
    condition(plane, edited, "Deleting", False, "NotDeleting")


def _is_ready(node: Document) -> bool:
    found = (node.get("status") or {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in found)


def _node(plane: Plane, cluster: Document, machine: Document) -> Document | None:
    """By exact providerID; the cache of the workload needs the infrastructure and the kubeconfig."""
    provider_id = machine["spec"].get("providerID")
    provisioned = (cluster.get("status") or {}).get("initialization", {}).get("infrastructureProvisioned")
    meta = cluster["metadata"]
    kubeconfig = plane.find("Secret", meta["namespace"], f"{meta['name']}-kubeconfig")
    if not provider_id or not provisioned or kubeconfig is None:
        plane.later(5.0)
        return None
    for node in plane.workload.all("Node"):
        if (node.get("spec") or {}).get("providerID") == provider_id:
            return node
    plane.later(10.0)
    return None


def _annotate(plane: Plane, cluster: Document, machine: Document, node: Document) -> None:
    owner = controller_of(machine)
    values = {
        f"{_PREFIX}cluster-name": cluster["metadata"]["name"],
        f"{_PREFIX}cluster-namespace": cluster["metadata"]["namespace"],
        f"{_PREFIX}machine": machine["metadata"]["name"],
        f"{_PREFIX}labels-from-machine": "",
        f"{_PREFIX}annotations-from-machine": "",
    }
    if owner is not None:
        values |= {f"{_PREFIX}owner-kind": owner["kind"], f"{_PREFIX}owner-name": owner["name"]}
    edited: Document = copied(node)
    edited["metadata"]["annotations"] = {**annotations_of(node), **values}
    if edited != node:
        plane.workload.put(edited, MANAGER)


def _delete(plane: Plane, machine: Document) -> None:
    """pre-drain hooks, drain, pre-terminate hooks, infrastructure, bootstrap, Node."""
    hooks = annotations_of(machine)
    if any(key.startswith(PRE_DRAIN) for key in hooks):
        plane.error(MANAGER, f"{machine['metadata']['name']}: WaitingForPreDrainHook")
        return
    node_name = ((machine.get("status") or {}).get("nodeRef") or {}).get("name", "")
    node = plane.workload.get("", "Node", "", node_name)
    if node is not None and not node["spec"].get("unschedulable"):
        edited: Document = copied(node)
        edited["spec"]["unschedulable"] = True
        plane.workload.put(edited, MANAGER)
    if any(key.startswith(PRE_TERMINATE) for key in hooks):
        plane.error(MANAGER, f"{machine['metadata']['name']}: WaitingForPreTerminateHook")
        return
    for reference in (machine["spec"]["infrastructureRef"], machine["spec"]["bootstrap"].get("configRef")):
        found = referred(plane, machine, reference)
        if found is not None:
            remove(plane, found)
            if referred(plane, machine, reference) is not None:
                plane.later(1.0)
                return
    if node is not None:
        plane.workload.delete(("", "Node", "", node_name))
    released(plane, machine, MANAGER)


def _bootstrap_configs(plane: Plane) -> None:
    """CABPK: a config without an owner is left alone; one of a Machine with its secret is ready."""
    for config in plane.objects.all("KubeadmConfig"):
        owner, cluster = controller_of(config), cluster_of(plane, config)
        if owner is None or owner["kind"] != "Machine" or cluster is None:
            continue
        paused = is_paused(cluster, config)
        told = told_paused(plane, config, paused, "capi-kubeadm-bootstrap")
        machine = plane.find("Machine", config["metadata"]["namespace"], owner["name"])
        if told is None or paused or machine is None:
            continue
        edited: Document = copied(told)
        status = edited.setdefault("status", {})
        name = machine["spec"]["bootstrap"].get("dataSecretName") or config["metadata"]["name"]
        status["dataSecretName"] = name
        status.setdefault("initialization", {})["dataSecretCreated"] = True
        condition(plane, edited, "Ready", True)
        made = plane.edit(told, edited, "capi-kubeadm-bootstrap")
        if name == config["metadata"]["name"] and made is not None:
            _bootstrap_secret(plane, made, cluster)


def _bootstrap_secret(plane: Plane, config: Document, cluster: Document) -> None:
    meta = config["metadata"]
    if plane.find("Secret", meta["namespace"], meta["name"]) is None:
        document: Document = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "cluster.x-k8s.io/secret",
            "metadata": {"namespace": meta["namespace"], "name": meta["name"]},
            "data": {},
        }
        document["metadata"]["labels"] = {f"{_PREFIX}cluster-name": cluster["metadata"]["name"]}
        own(document, config, controller=True)
        plane.make(document, "capi-kubeadm-bootstrap")
