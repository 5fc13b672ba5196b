"""A cluster that Cluster API makes from nothing, scaled, upgraded and deleted: proves the plane itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import yaml
from lightkube.core.exceptions import ApiError

from proving_ground import images
from proving_ground.cloud import connect
from proving_ground.progress import Progress
from proving_ground.scenario import addons, settled
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders, cluster_cidr

GUARDS = ("/adopted", "/replank")
"""What the hooks of the tracer and of replank end in."""


@dataclass(frozen=True, slots=True)
class NewCluster:
    """A cluster by name; `number` chooses its subnet. `kubernetes`: a version that has a machine image."""

    name: str
    number: int
    kubernetes: str = "1.35"
    control_planes: int = 1
    workers: int = 1

    @property
    def namespace(self) -> str:
        return self.name


def new_cluster_by_cluster_api(
    folders: Folders, cluster: NewCluster, progress: Progress, plane_name: str = "one"
) -> Kube:
    """Makes the cluster and waits until every Machine is a Ready Node. Returns its API."""
    plane = Kube(folders.plane(plane_name) / "kubeconfig")
    with progress.step(f"{cluster.name}: objects"):
        plane.apply_template("cluster-from-nothing.yaml.j2", _values(folders, cluster))
    with progress.step(f"{cluster.name}: first control plane"):
        until(
            f"{cluster.name} API",
            lambda: _api_unanswered(plane, folders, cluster),
            limit_s=420,
        )
    workload = _workload(plane, folders, cluster)
    with progress.step(f"{cluster.name}: node agent"):
        addons.node_agent(workload)
    with progress.step(f"{cluster.name}: every Machine a Ready Node"):
        settle(plane, workload, cluster.namespace, cluster.name, cluster.control_planes + cluster.workers)
    return workload


def settle(plane: Kube, workload: Kube, namespace: str, name: str, nodes: int, limit_s: float = 420) -> None:
    """Waits until control plane, workers and Nodes are as their specs say."""
    until(f"{name} control plane", lambda: settled.control_plane(plane, namespace, name), limit_s)
    until(f"{name} workers", lambda: settled.machine_deployment(plane, namespace, f"{name}-worker"), limit_s)
    until(f"{name} Nodes", lambda: settled.nodes_ready(workload, nodes), limit_s)


def scale(plane: Kube, namespace: str, deployment: str, replicas: int, limit_s: float = 300) -> None:
    """Scales a MachineDeployment and waits until exactly so many Machines are there, and available."""
    plane.merge("MachineDeployment", deployment, {"spec": {"replicas": replicas}}, namespace)
    _workers_settled(plane, namespace, deployment, replicas, "", limit_s)


def upgrade(
    folders: Folders, plane: Kube, cluster: NewCluster, to: str, progress: Progress, limit_s: float = 900
) -> None:
    """Upgrades control plane, then workers, to another machine image, and waits for each."""
    version, tag = images.kubernetes_version(to), image_tag(to)
    template = _template_of(plane, cluster)
    template["image"] = {"id": _image_id(folders, to)}
    plane.apply_template(
        "machine-template.yaml.j2",
        {"name": cluster.name, "namespace": cluster.namespace, "image_tag": tag, "spec": template},
    )
    reference = {"infrastructureRef": {"name": f"{cluster.name}-{tag}"}}
    with progress.step(f"{cluster.name}: control plane to {version}"):
        patch: dict[str, Any] = {"spec": {"version": version, "machineTemplate": {"spec": reference}}}
        plane.merge("KubeadmControlPlane", cluster.name, patch, cluster.namespace)
        control_planes = {"cluster.x-k8s.io/control-plane-name": cluster.name}
        until(
            f"{cluster.name} control plane",
            lambda: (
                settled.machines(plane, cluster.namespace, control_planes, cluster.control_planes, version)
                or settled.control_plane(plane, cluster.namespace, cluster.name)
            ),
            limit_s,
        )
    with progress.step(f"{cluster.name}: workers to {version}"):
        patch = {"spec": {"template": {"spec": {"version": version, **reference}}}}
        plane.merge("MachineDeployment", f"{cluster.name}-worker", patch, cluster.namespace)
        _workers_settled(
            plane, cluster.namespace, f"{cluster.name}-worker", cluster.workers, version, limit_s
        )


def _workers_settled(
    plane: Kube, namespace: str, deployment: str, count: int, version: str, limit_s: float
) -> None:
    labels = {"cluster.x-k8s.io/deployment-name": deployment}
    until(
        deployment,
        lambda: (
            settled.machines(plane, namespace, labels, count, version)
            or settled.machine_deployment(plane, namespace, deployment)
        ),
        limit_s,
    )


def delete_cluster(plane: Kube, namespace: str, name: str, progress: Progress, limit_s: float = 300) -> None:
    """Deletes the Cluster and waits until the last object of it is gone, then its namespace."""
    with progress.step(f"{name}: deleted by Cluster API"):
        plane.delete("Cluster", name, namespace)
        until(name, lambda: settled.gone(plane, "Cluster", name, namespace), limit_s)
    plane.delete("Namespace", namespace)
    until(namespace, lambda: "still there" if plane.find("Namespace", namespace) else "", 60)


def release_guards(plane: Kube, namespace: str) -> None:
    """Takes the adopted Machines' hooks away, so that they can be deleted."""
    for machine in plane.list("Machine", namespace):
        annotations = machine["metadata"].get("annotations", {})
        hooks = {name: None for name in annotations if name.endswith(GUARDS)}
        if hooks:
            plane.merge(
                "Machine", machine["metadata"]["name"], {"metadata": {"annotations": hooks}}, namespace
            )


def version_of(kubernetes: str) -> str:
    """What kubelets of a machine image say: `v1.35.4`."""
    return images.kubernetes_version(kubernetes)


def image_tag(kubernetes: str) -> str:
    """A version as a part of an object's name."""
    return images.kubernetes_version(kubernetes).replace(".", "-")


def member_clouds_yaml(folders: Folders) -> str:
    """The member's credential as CAPO wants it: one cloud called `openstack`."""
    document = yaml.safe_load(folders.clouds_yaml.read_text())
    return yaml.safe_dump({"clouds": {"openstack": document["clouds"]["ground"]}})


def _values(folders: Folders, cluster: NewCluster) -> Mapping[str, object]:
    cloud = connect(folders)
    public = cloud.network.find_network("public", ignore_missing=False)
    return {
        "name": cluster.name,
        "namespace": cluster.namespace,
        "clouds_yaml": member_clouds_yaml(folders),
        "cidr": cluster_cidr(cluster.number),
        "pod_cidr": f"10.{100 + cluster.number % 100}.0.0/16",
        "service_cidr": "10.96.0.0/16",
        "external_network": public.id,
        "image": _image_id(folders, cluster.kubernetes),
        "image_tag": image_tag(cluster.kubernetes),
        "flavor": "m1.control",
        "ssh_key": "operator",
        "version": images.kubernetes_version(cluster.kubernetes),
        "control_planes": cluster.control_planes,
        "workers": cluster.workers,
        "component_configs": addons.component_configs(),
    }


def _image_id(folders: Folders, kubernetes: str) -> str:
    cloud = connect(folders)
    return str(cloud.image.find_image(images.glance_name(kubernetes), ignore_missing=False).id)


def _template_of(plane: Kube, cluster: NewCluster) -> dict[str, Any]:
    name = f"{cluster.name}-{image_tag(cluster.kubernetes)}"
    found = plane.get("OpenStackMachineTemplate", name, cluster.namespace)
    return dict(found["spec"]["template"]["spec"])


def _workload(plane: Kube, folders: Folders, cluster: NewCluster) -> Kube:
    file = settled.workload_kubeconfig(plane, folders, cluster.namespace, cluster.name)
    assert file is not None, "asked for only after the API answered"
    return Kube(file)


def _api_unanswered(plane: Kube, folders: Folders, cluster: NewCluster) -> str:
    file = settled.workload_kubeconfig(plane, folders, cluster.namespace, cluster.name)
    if file is None:
        return "no kubeconfig Secret yet"
    try:
        return "" if Kube(file).list("Node") else "no Node yet"
    except (ApiError, httpx2.TransportError) as error:
        return str(error)
