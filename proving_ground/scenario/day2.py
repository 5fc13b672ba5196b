"""What an operator does with a cluster after its takeover: scale it, roll its control plane and workers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from proving_ground import images
from proving_ground.cloud import connect
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import settled
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.new_cluster import image_tag
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

SMALL_HOST = {"nodeRegistration": {"ignorePreflightErrors": ["SystemVerification"]}}
"""kubeadm refuses a host with cgroup v1, which this one may be; the machines are containers on it."""


def control_plane_name(plane: Kube, cluster: LegacyCluster) -> str:
    """Of its KubeadmControlPlane."""
    return str(plane.get("Cluster", cluster.name, cluster.name)["spec"]["controlPlaneRef"]["name"])


def allow_new_machines(plane: Kube, cluster: LegacyCluster) -> None:
    """Says in the workers' bootstrap template what kubeadm must put up with here: it rolls nothing."""
    for group in cluster.worker_groups:
        name = f"{cluster.name}-{group.name}"
        deployment = plane.get("MachineDeployment", name, cluster.name)
        template = deployment["spec"]["template"]["spec"]["bootstrap"]["configRef"]["name"]
        patch = {"spec": {"template": {"spec": {"joinConfiguration": SMALL_HOST}}}}
        plane.merge("KubeadmConfigTemplate", template, patch, cluster.name)


def roll_control_plane(
    folders: Folders,
    plane: Kube,
    cluster: LegacyCluster,
    to: str,
    progress: Progress,
    limit_s: float = 900,
) -> None:
    """Every control-plane machine is replaced by one of another machine image."""
    name = control_plane_name(plane, cluster)
    found = plane.get("KubeadmControlPlane", name, cluster.name)
    old = found["spec"]["machineTemplate"]["spec"]["infrastructureRef"]["name"]
    new = _template(folders, plane, cluster, old, to)
    version = images.kubernetes_version(to)
    patch: dict[str, Any] = {
        "spec": {
            "version": version,
            "machineTemplate": {"spec": {"infrastructureRef": {"name": new}}},
            "kubeadmConfigSpec": {"joinConfiguration": SMALL_HOST},
        }
    }
    labels = {"cluster.x-k8s.io/control-plane-name": name}
    with progress.step(f"{cluster.name}: control plane to {version}"):
        plane.merge("KubeadmControlPlane", name, patch, cluster.name)
        until(
            f"{cluster.name} control plane",
            lambda: (
                settled.machines(plane, cluster.name, labels, cluster.control_planes, version)
                or settled.control_plane(plane, cluster.name, name)
            ),
            limit_s,
        )


def renew_control_plane(
    plane: Kube, cluster: LegacyCluster, progress: Progress, limit_s: float = 900
) -> None:
    """Every control-plane machine is replaced by one like it (`rollout.after`), which renews certificates."""
    name = control_plane_name(plane, cluster)
    labels = {"cluster.x-k8s.io/control-plane-name": name}
    old = {machine["metadata"]["uid"] for machine in plane.list("Machine", cluster.name, labels)}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch = {
        "spec": {
            "rollout": {"after": now},
            "kubeadmConfigSpec": {"joinConfiguration": SMALL_HOST},
        }
    }

    def left() -> str:
        found = {machine["metadata"]["uid"] for machine in plane.list("Machine", cluster.name, labels)}
        return f"{len(found & old)} of the old machines are there" if found & old else ""

    with progress.step(f"{cluster.name}: control plane renewed"):
        plane.merge("KubeadmControlPlane", name, patch, cluster.name)
        until(
            f"{cluster.name} control plane",
            lambda: (
                left()
                or settled.machines(plane, cluster.name, labels, cluster.control_planes)
                or settled.control_plane(plane, cluster.name, name)
            ),
            limit_s,
        )


def roll_workers(
    folders: Folders,
    plane: Kube,
    cluster: LegacyCluster,
    to: str,
    progress: Progress,
    limit_s: float = 900,
) -> None:
    """Every worker of every group, one group after another."""
    version = images.kubernetes_version(to)
    for group in cluster.worker_groups:
        name = f"{cluster.name}-{group.name}"
        spec = plane.get("MachineDeployment", name, cluster.name)["spec"]["template"]["spec"]
        new = _template(folders, plane, cluster, spec["infrastructureRef"]["name"], to)
        change = {"version": version, "infrastructureRef": {"name": new}}
        with progress.step(f"{name} to {version}"):
            plane.merge("MachineDeployment", name, {"spec": {"template": {"spec": change}}}, cluster.name)
            workers_settled(plane, cluster, group.name, group.count, version, limit_s)


def workers_settled(
    plane: Kube, cluster: LegacyCluster, group: str, count: int, version: str = "", limit_s: float = 300
) -> None:
    """Waits until exactly so many Machines of a group are there, each with its Node."""
    name = f"{cluster.name}-{group}"
    labels = {"cluster.x-k8s.io/deployment-name": name}
    until(
        name,
        lambda: (
            settled.machines(plane, cluster.name, labels, count, version)
            or settled.machine_deployment(plane, cluster.name, name)
        ),
        limit_s,
    )


def _template(folders: Folders, plane: Kube, cluster: LegacyCluster, old: str, to: str) -> str:
    """Name of a new OpenStackMachineTemplate: the old one with another image. Templates are immutable."""
    spec = dict(plane.get("OpenStackMachineTemplate", old, cluster.name)["spec"]["template"]["spec"])
    image = connect(folders).image.find_image(images.glance_name(to), ignore_missing=False)
    spec["image"] = {"id": str(image.id)}
    tag = image_tag(to)
    prefix = old.removesuffix("-adopted")
    values = {"name": prefix, "namespace": cluster.name, "image_tag": tag, "spec": spec}
    plane.apply_template("machine-template.yaml.j2", values)
    return f"{prefix}-{tag}"
