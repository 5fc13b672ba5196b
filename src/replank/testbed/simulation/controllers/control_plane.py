"""The KubeadmControlPlane controller, in all that can harm a living control plane.

Source: facts file, sections 2, 3, 4, 8 and 9 (cluster-api v1.14.0, controlplane/kubeadm/reconcilers).
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
from replank.testbed.simulation.controllers.up_to_date import why_outdated
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import (
    CLUSTER_NAME,
    CONTROL_PLANE,
    CONTROL_PLANE_NAME,
    KCP_HOOK,
    SECRET_TYPE,
    annotations_of,
    labels_of,
)

MANAGER = "capi-kubeadm-control-plane"
_AUTHORITIES = ("ca", "etcd", "sa", "proxy")
_COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")


def reconcile_control_planes(plane: Plane) -> None:
    """All of them. Before the Cluster is its owner one is left alone: no finalizer, no condition Paused."""
    for seen in plane.objects.all("KubeadmControlPlane"):
        owner = controller_of(seen)
        cluster = cluster_of(plane, seen)
        if cluster is None or owner is None or owner["kind"] != "Cluster":
            continue
        kcp = begun(plane, seen, cluster, MANAGER)
        if kcp is None:
            continue
        if kcp["metadata"].get("deletionTimestamp"):
            _delete(plane, kcp)
        else:
            _reconcile(plane, cluster, kcp)


def _reconcile(plane: Plane, cluster: Document, kcp: Document) -> None:
    if not (cluster.get("status") or {}).get("initialization", {}).get("infrastructureProvisioned"):
        plane.later(5.0)
        return
    machines = _machines(plane, kcp)
    orphans = [m for m in machines if controller_of(m) is None]
    if orphans:
        _adopt(plane, kcp, orphans)
        return
    if any(not owned_by(m, kcp) for m in machines):
        plane.error(MANAGER, "not all control plane machines are owned by this control plane")
        return
    template = referred(plane, kcp, kcp["spec"]["machineTemplate"]["spec"]["infrastructureRef"])
    adopt(plane, template, cluster, MANAGER)
    initialized = bool((kcp.get("status") or {}).get("initialization", {}).get("controlPlaneInitialized"))
    if not _authorities(plane, cluster, kcp, initialized):
        return
    _kubeconfig(plane, cluster, kcp)
    for machine in machines:
        _sync(plane, kcp, machine)
    machines = _machines(plane, kcp)
    if _etcd_members(plane, machines):
        plane.later(10.0)
    _status(plane, kcp, machines)
    _replicas(plane, kcp, machines)


def _machines(plane: Plane, kcp: Document) -> list[Document]:
    return [
        machine
        for machine in plane.objects.all("Machine", kcp["metadata"]["namespace"])
        if CONTROL_PLANE in labels_of(machine)
        and labels_of(machine).get(CLUSTER_NAME) == labels_of(kcp).get(CLUSTER_NAME)
        and not machine["metadata"].get("deletionTimestamp")
    ]


def _authorities(plane: Plane, cluster: Document, kcp: Document, initialized: bool) -> bool:
    """Looks the four Secrets up; before initialization a missing one is made anew (trap 3)."""
    namespace, name = cluster["metadata"]["namespace"], cluster["metadata"]["name"]
    for purpose in _AUTHORITIES:
        secret = plane.find("Secret", namespace, f"{name}-{purpose}")
        if secret is not None and CLUSTER_NAME not in labels_of(secret):
            # KCP's cache holds only labelled Secrets (facts file, 9.1): it sees none, and cannot make one.
            plane.error(MANAGER, f"Secret {name}-{purpose} already exists")
            return False
        if secret is None and initialized:
            plane.error(MANAGER, f"Secret {name}-{purpose} not found")
            return False
        if secret is None:
            plane.tell(f"{MANAGER}: generated a new {purpose} authority")
            document = _secret(namespace, f"{name}-{purpose}", name)
            own(document, kcp, controller=True)
            plane.make(document, MANAGER)
        elif secret.get("type") == SECRET_TYPE:
            adopt(plane, secret, kcp, MANAGER, controller=True)
    return True


def _kubeconfig(plane: Plane, cluster: Document, kcp: Document) -> None:
    namespace, name = cluster["metadata"]["namespace"], cluster["metadata"]["name"]
    secret = plane.find("Secret", namespace, f"{name}-kubeconfig")
    if secret is None:
        document = _secret(namespace, f"{name}-kubeconfig", name)
        own(document, kcp, controller=True)
        plane.make(document, MANAGER)
    elif secret.get("type") == SECRET_TYPE:
        adopt(plane, secret, kcp, MANAGER, controller=True)


def _secret(namespace: str, name: str, cluster: str) -> Document:
    meta: Document = {"namespace": namespace, "name": name, "labels": {CLUSTER_NAME: cluster}}
    return {"apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE, "metadata": meta, "data": {}}


def _adopt(plane: Plane, kcp: Document, orphans: Sequence[Document]) -> None:
    """Each needs a KubeadmConfig that KCP's cache holds: only those with the control-plane label (9.1)."""
    minor = int(kcp["spec"]["version"].split(".")[1])
    for machine in orphans:
        name = machine["metadata"]["name"]
        config = referred(plane, machine, machine["spec"]["bootstrap"].get("configRef"))
        if config is None or CONTROL_PLANE not in labels_of(config):
            plane.error(MANAGER, f"KubeadmConfig of {name} not found")
            return
        if abs(int(machine["spec"]["version"].split(".")[1]) - minor) > 1:
            plane.error(MANAGER, f"AdoptionFailed: version skew of {name}")
            return
    for machine in orphans:
        edited: Document = copied(machine)
        own(edited, kcp, controller=True)
        plane.edit(machine, edited, MANAGER)
    plane.later(1.0)


def _sync(plane: Plane, kcp: Document, machine: Document) -> None:
    edited: Document = copied(machine)
    wanted = {
        CLUSTER_NAME: labels_of(kcp)[CLUSTER_NAME],
        CONTROL_PLANE: "",
        CONTROL_PLANE_NAME: kcp["metadata"]["name"],
    }
    edited["metadata"]["labels"] = {**labels_of(machine), **wanted}
    edited["metadata"]["annotations"] = {**annotations_of(machine), KCP_HOOK: ""}
    edited["spec"]["readinessGates"] = [
        {"conditionType": f"{name}PodHealthy"}
        for name in ("APIServer", "ControllerManager", "Scheduler", "Etcd")
    ] + [{"conditionType": "EtcdMemberHealthy"}]
    plane.edit(machine, edited, MANAGER)
    propagate(plane, machine, wanted, MANAGER)


def _nodes(machines: Sequence[Document]) -> list[str]:
    return [((m.get("status") or {}).get("nodeRef") or {}).get("name", "") for m in machines]


def _etcd_members(plane: Plane, machines: Sequence[Document]) -> bool:
    """reconcileEtcdMembers: once all Machines have Nodes, members without a Machine are removed (trap 1)."""
    nodes = _nodes(machines)
    if not machines or not all(nodes):
        return True
    strangers = sorted(plane.etcd.members.keys() - set(nodes))
    for name in strangers:
        plane.tell(f"{MANAGER}: etcd member {name} without corresponding Machine, removing member")
        plane.etcd.remove(name)
    return bool(strangers)


def _healthy(plane: Plane, machines: Sequence[Document]) -> bool:
    """preflightChecks: Nodes, static pods `<component>-<node>`, etcd members called as their Nodes."""
    nodes = _nodes(machines)
    if not all(nodes) or set(nodes) != plane.etcd.members.keys():
        return False
    for node in nodes:
        for component in _COMPONENTS:
            pod = plane.workload.get("", "Pod", "kube-system", f"{component}-{node}")
            if pod is None or labels_of(pod).get("component") != component:
                return False
    return True


def _outdated(plane: Plane, kcp: Document, machine: Document) -> str:
    return why_outdated(
        kcp,
        machine,
        referred(plane, machine, machine["spec"]["bootstrap"].get("configRef")),
        referred(plane, machine, machine["spec"]["infrastructureRef"]),
    )


def _replicas(plane: Plane, kcp: Document, machines: Sequence[Document]) -> None:
    wanted = kcp["spec"]["replicas"]
    if not machines:
        plane.tell(f"{MANAGER}: no control plane machines: initializes the control plane")
        _make(plane, kcp)
    elif not _healthy(plane, machines):
        plane.later(10.0)
    elif any(_outdated(plane, kcp, m) for m in machines) and len(machines) <= wanted:
        plane.tell(f"{MANAGER}: rolls out")
        _make(plane, kcp)
    elif len(machines) < wanted:
        _make(plane, kcp)
    elif len(machines) > wanted:
        old = sorted(machines, key=lambda m: not _outdated(plane, kcp, m))
        plane.tell(f"{MANAGER}: deletes Machine {old[0]['metadata']['name']}")
        remove(plane, old[0])


def _make(plane: Plane, kcp: Document) -> None:
    name = labels_of(kcp)[CLUSTER_NAME]
    spec = {
        "version": kcp["spec"]["version"],
        "infrastructureRef": kcp["spec"]["machineTemplate"]["spec"]["infrastructureRef"],
        "kubeadmConfigSpec": kcp["spec"]["kubeadmConfigSpec"],
    }
    wanted = {CLUSTER_NAME: name, CONTROL_PLANE: "", CONTROL_PLANE_NAME: kcp["metadata"]["name"]}
    make_machine(plane, kcp, spec, wanted, MANAGER)
    plane.later(1.0)


def _status(plane: Plane, kcp: Document, machines: Sequence[Document]) -> None:
    live = plane.find("KubeadmControlPlane", kcp["metadata"]["namespace"], kcp["metadata"]["name"])
    if live is None:
        return
    edited: Document = copied(live)
    status = edited.setdefault("status", {})
    healthy = bool(machines) and _healthy(plane, machines)
    current = sum(1 for m in machines if not _outdated(plane, kcp, m))
    count = len(machines) if healthy else 0
    status.update({"replicas": len(machines), "readyReplicas": count, "availableReplicas": count})
    status.update({"upToDateReplicas": current, "version": kcp["spec"]["version"]})
    status["observedGeneration"] = edited["metadata"].get("generation", 1)
    status["selector"] = f"{CLUSTER_NAME}={labels_of(kcp).get(CLUSTER_NAME)},{CONTROL_PLANE}"
    if plane.workload.get("", "ConfigMap", "kube-system", "kubeadm-config") is not None:
        status.setdefault("initialization", {})["controlPlaneInitialized"] = True
    condition(plane, edited, "Initialized", True)
    condition(plane, edited, "Available", healthy)
    condition(plane, edited, "EtcdClusterHealthy", healthy)
    condition(plane, edited, "ControlPlaneComponentsHealthy", healthy)
    condition(plane, edited, "MachinesReady", healthy)
    condition(plane, edited, "MachinesUpToDate", current == len(machines))
    condition(plane, edited, "RollingOut", current != len(machines))
    plane.edit(live, edited, MANAGER)


def _delete(plane: Plane, kcp: Document) -> None:
    machines = [m for m in plane.objects.all("Machine", kcp["metadata"]["namespace"]) if owned_by(m, kcp)]
    for machine in machines:
        remove(plane, machine)
    if not machines:
        released(plane, kcp, MANAGER)
