"""Whether a Cluster API cluster is where its spec says, in words where it is not."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

from proving_ground.scenario.kube import Kube, unmet
from proving_ground.settings import Folders


def control_plane(plane: Kube, namespace: str, name: str) -> str:
    """ "" when every replica is Available, healthy and up to date."""
    found = plane.get("KubeadmControlPlane", name, namespace)
    return counts(found) or unmet(found, "Available") or unmet(found, "MachinesUpToDate")


def machine_deployment(plane: Kube, namespace: str, name: str) -> str:
    """ "" when every replica is available and up to date."""
    found = plane.get("MachineDeployment", name, namespace)
    return counts(found) or unmet(found, "Available") or unmet(found, "MachinesUpToDate")


def machines(plane: Kube, namespace: str, labels: Mapping[str, str], count: int, version: str = "") -> str:
    """ "" when exactly `count` Machines with the labels are there, none of them on its way out, each with a
    Node and, where a version is given, of that version.

    Counts of owners lag behind: a MachineDeployment is "observed" before it has made the new MachineSet.
    """
    found = plane.list("Machine", namespace, labels)
    wrong = [
        str(machine["metadata"]["name"])
        for machine in found
        if machine["metadata"].get("deletionTimestamp")
        or not machine.get("status", {}).get("nodeRef", {}).get("name")
        or (version and machine["spec"]["version"] != version)
    ]
    if len(found) != count or wrong:
        return f"{len(found)} of {count} Machines; not settled: {', '.join(wrong) or 'none'}"
    return ""


def machines_have_nodes(plane: Kube, namespace: str) -> str:
    """ "" when every Machine of the namespace has found its Node."""
    missing = [
        str(machine["metadata"]["name"])
        for machine in plane.list("Machine", namespace)
        if not machine.get("status", {}).get("nodeRef", {}).get("name")
    ]
    return f"no nodeRef: {', '.join(missing)}" if missing else ""


def nodes_ready(workload: Kube, count: int) -> str:
    """ "" when exactly `count` Nodes are there and Ready."""
    nodes = workload.list("Node")
    bad = [f"{node['metadata']['name']}: {unmet(node, 'Ready')}" for node in nodes if unmet(node, "Ready")]
    if len(nodes) != count:
        bad.append(f"{len(nodes)} of {count} Nodes")
    return "; ".join(bad)


def system_pods_ready(workload: Kube) -> str:
    """ "" when every pod of kube-system that has not ended is Ready, static pods included.

    A Node is Ready, and serves, before its kubelet has told the API that the static pods are.
    """
    pods = [pod for pod in workload.list("Pod", "kube-system") if pod["status"].get("phase") != "Succeeded"]
    bad = [f"{pod['metadata']['name']}: {unmet(pod, 'Ready')}" for pod in pods if unmet(pod, "Ready")]
    return "; ".join(bad) if pods else "no pod in kube-system"


def gone(plane: Kube, kind: str, name: str, namespace: str) -> str:
    """ "" when the object is no more."""
    return f"{kind} {name} is still there" if plane.find(kind, name, namespace) else ""


def workload_kubeconfig(plane: Kube, folders: Folders, namespace: str, name: str) -> Path | None:
    """Cluster API's kubeconfig of the cluster as a file (mode 0600), None before there is one."""
    secret = plane.find("Secret", f"{name}-kubeconfig", namespace)
    if secret is None:
        return None
    file = folders.state / "kubeconfigs" / f"{namespace}-{name}"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_bytes(base64.b64decode(secret["data"]["value"]))
    return file


ALL_COUNTS = ("replicas", "readyReplicas", "availableReplicas", "upToDateReplicas")


def counts(found: dict[str, object], wanted_counts: tuple[str, ...] = ALL_COUNTS) -> str:
    """ "" when the controller has seen the spec and every count is that of `spec.replicas`."""
    spec, status = found["spec"], found.get("status") or {}
    assert isinstance(spec, dict)
    assert isinstance(status, dict)
    observed = status.get("observedGeneration", 0)
    metadata = found["metadata"]
    assert isinstance(metadata, dict)
    if observed != metadata["generation"]:
        return "the controller has not seen the newest spec"
    wanted = spec["replicas"]
    seen = {field: status.get(field, 0) for field in wanted_counts}
    return "" if all(count == wanted for count in seen.values()) else f"wanted {wanted}, {seen}"


def workload_serves(workload: Kube) -> str:
    """ "" when every Deployment and StatefulSet of the sample workload has all its replicas."""
    for kind in ("Deployment", "StatefulSet"):
        for found in workload.list(kind, "shop"):
            ready, wanted = found.get("status", {}).get("readyReplicas", 0), found["spec"]["replicas"]
            if ready != wanted:
                return f"{kind} {found['metadata']['name']}: {ready} of {wanted} replicas ready"
    return ""
