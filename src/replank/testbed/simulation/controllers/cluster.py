"""The Cluster controller, and the API server's own: namespaces and garbage collection."""

from __future__ import annotations

from replank.testbed.simulation.controllers.plane import (
    Plane,
    adopt,
    begun,
    condition,
    referred,
    released,
    remove,
)
from replank.testbed.simulation.documents import Document, copied
from replank.testbed.simulation.labels import CLUSTER_NAME, FINALIZERS, labels_of

MANAGER = "capi-cluster"


def reconcile_clusters(plane: Plane) -> None:
    """Finalizer, pause, owner references of infrastructure and control plane, status."""
    for seen in plane.objects.all("Cluster"):
        cluster = begun(plane, seen, seen, MANAGER)
        if cluster is None:
            continue
        if cluster["metadata"].get("deletionTimestamp"):
            _delete(plane, cluster)
            continue
        name = cluster["metadata"]["name"]
        infrastructure = referred(plane, cluster, cluster["spec"].get("infrastructureRef"))
        control_plane = referred(plane, cluster, cluster["spec"].get("controlPlaneRef"))
        adopt(plane, infrastructure, cluster, MANAGER, controller=True, label=name)
        adopt(plane, control_plane, cluster, MANAGER, controller=True, label=name)
        _status(plane, cluster, infrastructure, control_plane)


def _status(
    plane: Plane, cluster: Document, infrastructure: Document | None, control_plane: Document | None
) -> None:
    edited: Document = copied(cluster)
    status = edited.setdefault("status", {})
    initialization = status.setdefault("initialization", {})
    if infrastructure is not None and (infrastructure.get("status") or {}).get("ready"):
        initialization["infrastructureProvisioned"] = True
        domains = infrastructure["status"].get("failureDomains") or {}
        status["failureDomains"] = [{"name": name, **domains[name]} for name in sorted(domains)]
    kcp = (control_plane or {}).get("status") or {}
    if (kcp.get("initialization") or {}).get("controlPlaneInitialized"):
        initialization["controlPlaneInitialized"] = True
    status["phase"] = "Provisioned" if initialization.get("infrastructureProvisioned") else "Provisioning"
    available = all(
        any(c["type"] == "Available" and c["status"] == "True" for c in _conditions(document))
        for document in (
            control_plane or {},
            *(
                d
                for d in plane.objects.all("MachineDeployment", cluster["metadata"]["namespace"])
                if labels_of(d).get(CLUSTER_NAME) == cluster["metadata"]["name"]
            ),
        )
    )
    condition(plane, edited, "InfrastructureReady", initialization.get("infrastructureProvisioned", False))
    condition(plane, edited, "Available", available and "infrastructureProvisioned" in initialization)
    plane.edit(cluster, edited, MANAGER)


def _conditions(document: Document) -> list[Document]:
    found: list[Document] = (document.get("status") or {}).get("conditions") or []
    return found


def _delete(plane: Plane, cluster: Document) -> None:
    """Everything that carries the cluster's name goes, the Cluster last."""
    namespace, name = cluster["metadata"]["namespace"], cluster["metadata"]["name"]
    left = False
    for kind in ("MachineDeployment", "MachineSet", "Machine", "KubeadmControlPlane", "OpenStackCluster"):
        for document in plane.objects.all(kind, namespace):
            if labels_of(document).get(CLUSTER_NAME) == name:
                left = True
                remove(plane, document)
    if not left and FINALIZERS["Cluster"] in cluster["metadata"].get("finalizers", []):
        released(plane, cluster, MANAGER)


def collect_garbage(plane: Plane) -> None:
    """Dependents go when none of their owners lives (background deletion)."""
    if not plane.objects.gone:
        return
    gone = set(plane.objects.gone)
    plane.objects.gone.clear()
    alive = {document["metadata"].get("uid") for document in plane.objects.documents.values()}
    for document in list(plane.objects.documents.values()):
        owners = [o["uid"] for o in document["metadata"].get("ownerReferences") or []]
        if gone & set(owners) and not alive & set(owners):
            plane.tell(f"garbage collector: {document['kind']} {document['metadata']['name']}")
            remove(plane, document)


def keep_namespaces(plane: Plane) -> None:
    """A namespace gets its two objects; a deleted one loses everything, then goes."""
    for namespace in plane.objects.all("Namespace"):
        meta = namespace["metadata"]
        name = meta["name"]
        if not meta["uid"].startswith("5e"):
            continue
        inside = [d for d in plane.objects.documents.values() if d["metadata"].get("namespace") == name]
        if meta.get("deletionTimestamp"):
            for document in inside:
                remove(plane, document)
            if not any(d["metadata"].get("namespace") == name for d in plane.objects.documents.values()):
                edited: Document = copied(namespace)
                edited["metadata"]["finalizers"] = []
                plane.edit(namespace, edited, "kube-controller-manager")
            continue
        edited = copied(namespace)
        edited["metadata"]["finalizers"] = ["kubernetes"]
        edited["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
        edited["status"] = {"phase": "Active"}
        plane.edit(namespace, edited, "kube-controller-manager")
        for kind, called in (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")):
            if plane.objects.get("", kind, name, called) is None:
                document = {"apiVersion": "v1", "kind": kind, "metadata": {"namespace": name, "name": called}}
                plane.make(document, "kube-controller-manager")
