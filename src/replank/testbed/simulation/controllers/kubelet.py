"""Machines that came up: servers that CAPO made join the workload cluster as Nodes."""

from __future__ import annotations

from replank.testbed.simulation.controllers.plane import Plane
from replank.testbed.simulation.documents import Document
from replank.testbed.simulation.labels import CONTROL_PLANE, labels_of
from replank.testbed.simulation.objects import stamp


def join_nodes(plane: Plane) -> None:
    """A Node with its providerID; for a control plane static pods and an etcd member as well."""
    for server_id, moment in list(plane.born.items()):
        if plane.now < moment:
            plane.later(moment - plane.now)
            continue
        del plane.born[server_id]
        server = plane.cloud.server(server_id)
        if server is not None:
            _join(plane, server)


def _join(plane: Plane, server: Document) -> None:
    name = server["name"]
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp(plane.now)}
    node: Document = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "spec": {"providerID": f"openstack:///{server['id']}"},
        "status": {"conditions": [ready]},
    }
    plane.workload.create(node, "kubelet")
    machine = next((m for m in plane.objects.all("Machine") if m["metadata"]["name"] == name), None)
    if machine is None or CONTROL_PLANE not in labels_of(machine):
        return
    for component in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"):
        pod: Document = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"namespace": "kube-system", "name": f"{component}-{name}"},
            "spec": {"nodeName": name},
            "status": {"phase": "Running", "conditions": [ready]},
        }
        pod["metadata"]["labels"] = {"component": component, "tier": "control-plane"}
        plane.workload.create(pod, "kubelet")
    plane.etcd.add(name, "192.0.2.1")
