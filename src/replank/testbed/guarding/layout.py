"""Documents of an adopted cluster of three control planes and two workers, and of its workloads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from replank.guards.names import GUARD_API, GUARD_KIND, PRE_DRAIN, PRE_TERMINATE, SURGE
from replank.guards.work.look import CORE
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import (
    CLUSTER_NAME,
    CONTROL_PLANE,
    DEPLOYMENT_NAME,
    FINALIZERS,
    KCP_HOOK,
)

NAMESPACE: Final = "team"
CLUSTER: Final = "legacy"
POOL: Final = "pool"
API_PORT: Final = 6443
OLD: Final = "v1.34.4"
NEW: Final = "v1.35.4"
KUBELET: Final = "simulation/kubelet"
"""A finalizer that stands for a pod's grace period."""
_KCP_API: Final = "controlplane.cluster.x-k8s.io/v1beta2"


def meta(name: str, namespace: str = "", **more: Any) -> Document:
    """metadata."""
    return {"name": name, **({"namespace": namespace} if namespace else {}), **more}


def cluster() -> tuple[Document, Document, Document]:
    """Cluster, KubeadmControlPlane and MachineDeployment."""
    own = {"labels": {CLUSTER_NAME: CLUSTER}}
    return (
        {"apiVersion": CORE, "kind": "Cluster", "metadata": meta(CLUSTER, NAMESPACE), "spec": {}},
        {
            "apiVersion": _KCP_API,
            "kind": "KubeadmControlPlane",
            "metadata": meta("cp", NAMESPACE, **own),
            "spec": {"replicas": 3, "version": OLD, "kubeadmConfigSpec": {}},
        },
        {
            "apiVersion": CORE,
            "kind": "MachineDeployment",
            "metadata": meta("md", NAMESPACE, **own),
            "spec": {"replicas": 2, "template": {"spec": {"version": OLD}}},
        },
    )


def guard(spec: Mapping[str, Any]) -> Document:
    """The ClusterGuard."""
    metadata = meta(CLUSTER, NAMESPACE)
    return {"apiVersion": GUARD_API, "kind": GUARD_KIND, "metadata": metadata, "spec": dict(spec)}


def machine(name: str, role: str, version: str, *, adopted: bool) -> Document:
    """A Machine without a server. Adopted ones carry replank's hooks."""
    control_plane = role == "control-plane"
    labels = {CLUSTER_NAME: CLUSTER}
    labels |= {CONTROL_PLANE: ""} if control_plane else {DEPLOYMENT_NAME: "md"}
    hooks = {KCP_HOOK: ""} if control_plane else {}
    hooks |= dict.fromkeys((PRE_DRAIN, PRE_TERMINATE), "") if adopted else {}
    owner = ("KubeadmControlPlane", "cp") if control_plane else ("MachineSet", f"md-{version}")
    return {
        "apiVersion": CORE,
        "kind": "Machine",
        "metadata": meta(
            name,
            NAMESPACE,
            labels=labels,
            annotations=hooks,
            finalizers=[FINALIZERS["Machine"]],
            ownerReferences=[owner_reference(*owner)],
        ),
        "spec": {"clusterName": CLUSTER, "version": version, "bootstrap": {"dataSecretName": name}},
        "status": {"conditions": []},
    }


def owner_reference(kind: str, name: str) -> Document:
    """Of a controller."""
    return {"kind": kind, "name": name, "controller": True}


def node(name: str, server: str, *, control_plane: bool) -> Document:
    """A Node, Ready."""
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta(name),
        "spec": {"providerID": f"openstack:///{server}", "taints": taints if control_plane else []},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def deployment(name: str, replicas: int, *, surge: bool = False, volume: str = "") -> tuple[Document, ...]:
    """A Deployment and its ReplicaSet. `volume`: a PersistentVolume that its pod mounts."""
    annotations = {SURGE: "allowed"} if surge else {}
    annotations |= {"simulation/volume": volume} if volume else {}
    return (
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": meta(name, "apps", annotations=annotations),
            "spec": {"replicas": replicas},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": meta(f"{name}-rs", "apps", ownerReferences=[owner_reference("Deployment", name)]),
            "spec": {},
        },
    )


def pod(name: str, app: str, node_name: str, owner: tuple[str, str] | None, *, ready: bool) -> Document:
    """A pod of an app, on a node ("" = pending). `owner`: kind and name of its controller."""
    metadata = meta(name, "apps", labels={"app": app}, finalizers=[KUBELET])
    metadata |= {"ownerReferences": [owner_reference(*owner)]} if owner else {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": node_name} if node_name else {},
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def budget(app: str, **bound: Any) -> Document:
    """A PodDisruptionBudget over the pods of an app."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta(app, "apps"),
        "spec": {**bound, "selector": {"matchLabels": {"app": app}}},
        "status": {"expectedPods": 0, "disruptionsAllowed": 0},
    }


def volume(name: str, handle: str) -> Document:
    """A PersistentVolume in Cinder."""
    spec = {"csi": {"driver": "cinder.csi.openstack.org", "volumeHandle": handle}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta(name), "spec": spec}


def attachment(name: str, volume_name: str, node_name: str) -> Document:
    """A VolumeAttachment."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": meta(name),
        "spec": {"nodeName": node_name, "source": {"persistentVolumeName": volume_name}},
    }


def endpoints(app: str, ready: Mapping[str, str]) -> Document:
    """An EndpointSlice. `ready`: pod -> node."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta(f"{app}-1", "apps", labels={"kubernetes.io/service-name": app}),
        "endpoints": [
            {
                "nodeName": node_name,
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "namespace": "apps", "name": name},
            }
            for name, node_name in sorted(ready.items())
        ],
    }
