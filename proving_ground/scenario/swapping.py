"""What a runtime swap needs of a cluster's machines on the ground, and what is looked at afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import settled
from proving_ground.scenario.kube import Kube
from proving_ground.settings import Folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary

NEW_CONTAINERD = "containerd-2.3"
"""Toolchain group of the containerd that machines are swapped to."""


def bundle(folders: Folders, progress: Progress) -> Path:
    """Folder with the programs of containerd 2.3, as a release archive has them."""
    with progress.step(f"toolchain {NEW_CONTAINERD}"):
        build.build(folders, NEW_CONTAINERD)
    return binary(folders, NEW_CONTAINERD, "containerd").parent


def give_crictl(folders: Folders, cluster: LegacyCluster, progress: Progress) -> None:
    """Puts our stand-in for cri-tools on every machine, where kubeadm's packages would have brought it."""
    with progress.step("toolchain crictl"):
        build.build(folders, "crictl")
    command = "sudo sh -c 'cat > /usr/local/bin/crictl && chmod 755 /usr/local/bin/crictl'"
    hosts = create.known_hosts(folders, cluster)
    for machine in tofu.read(folders, cluster).machines:
        with binary(folders, "crictl", "crictl").open("rb") as program:
            ssh.run(folders, hosts, machine.address, command, stdin=program)


def runtimes(workload: Kube) -> dict[str, str]:
    """Node -> what its kubelet tells of the runtime."""
    return {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["containerRuntimeVersion"]
        for node in workload.list("Node")
    }


def containers(workload: Kube) -> dict[str, Any]:
    """namespace/pod/container -> its ID and restart count, of all pods."""
    return {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}/{status['name']}": (
            status.get("containerID"),
            status["restartCount"],
        )
        for pod in workload.list("Pod")
        for status in pod["status"].get("containerStatuses", ())
    }


def not_all_on(workload: Kube, runtime: str) -> str:
    """ "" where every Node's kubelet tells of this runtime, and is Ready."""
    others = {node: told for node, told in runtimes(workload).items() if told != runtime}
    return f"{others}" if others else all_ready(workload)


def all_ready(workload: Kube) -> str:
    """ "" where every Node is Ready."""
    return settled.nodes_ready(workload, len(workload.list("Node")))


_STORES = "sudo find /var/lib/cni/networks -type f -name '[0-9]*' -printf '%f ' 2>/dev/null || true"
"""None is there before the machine has had a pod with an address."""


def strange_addresses(folders: Folders, cluster: LegacyCluster, workload: Kube) -> str:
    """ "" where host-local's stores on the machines hold exactly the addresses of the pods that run there."""
    hosts = create.known_hosts(folders, cluster)
    wrong = []
    for machine in tofu.read(folders, cluster).machines:
        listing = ssh.run(folders, hosts, machine.address, _STORES).decode()
        kept = {word for word in listing.split() if word.count(".") == 3}
        pods = [p for p in workload.list("Pod") if p["spec"].get("nodeName") == machine.name]
        living = {
            p["status"].get("podIP", "")
            for p in pods
            if not p["spec"].get("hostNetwork") and p["status"].get("phase") == "Running"
        }
        if kept != living:
            wrong.append(f"{machine.name} keeps {sorted(kept)}, its pods have {sorted(living)}")
    return "; ".join(wrong)
