"""Living legacy clusters for takeovers: made, looked at, put away, and what must not change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openstack.connection import Connection

from proving_ground.cloud import connect
from proving_ground.legacy import create
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import new_cluster, settled
from proving_ground.scenario.fresh import fresh_cluster
from proving_ground.scenario.kube import Kube, unmet
from proving_ground.settings import Folders

CAPI_KINDS = (
    "Cluster",
    "OpenStackCluster",
    "KubeadmControlPlane",
    "KubeadmConfig",
    "Machine",
    "MachineSet",
    "MachineDeployment",
    "OpenStackMachine",
    "OpenStackServer",
    "OpenStackMachineTemplate",
    "KubeadmConfigTemplate",
)


def living(ground: Folders, cluster: LegacyCluster, progress: Progress) -> Iterator[Kube]:
    workload = fresh_cluster(ground, cluster, progress)
    plane = Kube(ground.plane("one") / "kubeconfig")
    try:
        yield workload
    finally:
        if plane.find("Cluster", cluster.name, cluster.name):
            new_cluster.release_guards(plane, cluster.name)
            new_cluster.delete_cluster(plane, cluster.name, cluster.name, progress)
        create.destroy(ground, cluster, progress)
        revoke(connect(ground), cluster)


def revoke(cloud: Connection, cluster: LegacyCluster) -> None:
    """A cluster that Cluster API deleted leaves the credential that replank made for it."""
    for name in credentials(cloud, cluster):
        cloud.identity.delete_application_credential(
            cloud.current_user_id, cloud.identity.find_application_credential(cloud.current_user_id, name)
        )


def machines_of(cloud: Connection, cluster: LegacyCluster) -> dict[str, Any]:
    """Servers and ports by ID, with all that must not change but the ports' names."""
    servers = [s for s in cloud.compute.servers() if s.name.startswith(f"{cluster.name}-")]
    found: dict[str, Any] = {
        server.id: (server.name, server.created_at, server.launched_at, server.status) for server in servers
    }
    for server in servers:
        for port in cloud.network.ports(device_id=server.id):
            addresses = [ip["ip_address"] for ip in port.fixed_ips]
            found[port.id] = (server.id, addresses, port.mac_address, sorted(port.security_group_ids))
    return found


def port_names(cloud: Connection, cluster: LegacyCluster) -> dict[str, tuple[str, list[str]]]:
    """Port ID -> name and tags."""
    network = next(n for n in cloud.network.networks() if n.name.startswith(cluster.name))
    return {p.id: (p.name, sorted(p.tags)) for p in cloud.network.ports(network_id=network.id)}


def wishes(plane: Kube, cluster: LegacyCluster) -> list[str]:
    """What any controller still wants of the cluster."""
    name = cluster.name
    control_plane = plane.get("Cluster", name, name)["spec"]["controlPlaneRef"]["name"]
    found = [
        settled.control_plane(plane, name, control_plane),
        *(settled.machine_deployment(plane, name, f"{name}-{g.name}") for g in cluster.worker_groups),
        settled.machines_have_nodes(plane, name),
        unmet(plane.get("Cluster", name, name), "Available"),
    ]
    for kind in CAPI_KINDS:
        for document in plane.list(kind, name):
            if document["metadata"].get("deletionTimestamp"):
                found.append(f"{kind} {document['metadata']['name']} is being deleted")
    return [wish for wish in found if wish]


def metadata_of_nodes(workload: Kube) -> dict[str, Any]:
    return {
        node["metadata"]["name"]: (
            node["metadata"].get("labels"),
            {
                key: value
                for key, value in node["metadata"].get("annotations", {}).items()
                if "cluster.x-k8s.io" in key
            },
            node["spec"].get("taints"),
        )
        for node in workload.list("Node")
    }


def credentials(cloud: Connection, cluster: LegacyCluster) -> set[str]:
    """Names of the application credentials that replank made for the cluster."""
    ours = cloud.identity.application_credentials(cloud.current_user_id)
    return {found.name for found in ours if found.name.startswith(f"replank-{cluster.name}-")}
