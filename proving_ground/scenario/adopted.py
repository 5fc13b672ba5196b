"""The tracer of a takeover: a legacy cluster put under Cluster API with plain manifests, judged by the real
controllers. replank's own takeover does the same from a plan; this says what is true without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml
from openstack.connection import Connection

from proving_ground import images
from proving_ground.cloud import connect
from proving_ground.errors import GroundError
from proving_ground.legacy import create, ssh
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import project, settled
from proving_ground.scenario.kube import Kube, unmet
from proving_ground.scenario.new_cluster import member_clouds_yaml
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

PKI = {
    "ca": ("ca.crt", "ca.key"),
    "etcd/ca": ("etcd/ca.crt", "etcd/ca.key"),
    "front-proxy-ca": ("front-proxy-ca.crt", "front-proxy-ca.key"),
    "sa": ("sa.pub", "sa.key"),
}
"""Certificate Secrets of Cluster API: file for `tls.crt`, file for `tls.key`, below /etc/kubernetes/pki."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What came of it. `times`: stage -> seconds. `differences`: what changed in OpenStack; must be empty."""

    plane: Kube
    workload: Kube
    namespace: str
    times: dict[str, float]
    differences: dict[str, str]


def adopted_by_hand(
    folders: Folders, cluster: LegacyCluster, progress: Progress, plane_name: str = "one"
) -> Adopted:
    """Puts the cluster under Cluster API: names aligned, everything created paused, then unpaused one by one,
    with a check after each. Raises `GroundError` at the first check that does not hold."""
    plane = Kube(folders.plane(plane_name) / "kubeconfig")
    workload = Kube(folders.cluster(cluster.name) / "kubeconfig")
    cloud = connect(folders)
    before = project.holdings(cloud)
    namespace, times = cluster.name, {}
    servers = _servers(cloud, cluster)
    with progress.step(f"{cluster.name}: ports renamed to what CAPO looks for"):
        _align_port_names(cloud, servers)
    with progress.step(f"{cluster.name}: objects, everything paused"):
        plane.apply_template("legacy-adopted.yaml.j2", _values(folders, cloud, cluster, servers))
    with progress.step(f"{cluster.name}: Cluster unpaused"):
        plane.merge("Cluster", cluster.name, {"spec": {"paused": False}}, namespace)
        times["infrastructure"] = until(
            "OpenStackServers", lambda: _wrong_servers(plane, namespace, servers), limit_s=120
        )
        times["nodeRefs"] = until(
            "Machines", lambda: settled.machines_have_nodes(plane, namespace), limit_s=120
        )
        _must_be_unchanged(cloud, before, "the Cluster was unpaused")
    deployments = [f"{cluster.name}-{group.name}" for group in cluster.worker_groups]
    with progress.step(f"{cluster.name}: workers unpaused"):
        for name in deployments:
            for kind, object_name in (("MachineSet", f"{name}-adopted"), ("MachineDeployment", name)):
                _unpause(plane, kind, object_name, namespace)
            times[name] = until(name, partial(_deployment_adopted, plane, namespace, name), limit_s=180)
        _must_be_unchanged(cloud, before, "the workers were unpaused")
    with progress.step(f"{cluster.name}: control plane unpaused"):
        _unpause(plane, "KubeadmControlPlane", cluster.name, namespace)
        times["control plane"] = until(
            cluster.name, lambda: settled.control_plane(plane, namespace, cluster.name), limit_s=180
        )
        for name in deployments:
            until(name, partial(settled.machine_deployment, plane, namespace, name), limit_s=120)
        until("Cluster", lambda: unmet(plane.get("Cluster", cluster.name, namespace), "Available"), 120)
    differences = before.difference(project.holdings(cloud))
    return Adopted(plane, workload, namespace, times, differences)


def _servers(cloud: Connection, cluster: LegacyCluster) -> list[Any]:
    found = [s for s in cloud.compute.servers() if s.name.startswith(f"{cluster.name}-")]
    if len(found) != cluster.nodes:
        raise GroundError(
            cluster.name, f"{len(found)} servers instead of {cluster.nodes}", "Create the cluster again."
        )
    return sorted(found, key=lambda server: str(server.name))


def _align_port_names(cloud: Connection, servers: list[Any]) -> None:
    """CAPO finds a port by the exact name `<server>-<index>` (v0.14.7, pkg/cloud/services/networking)."""
    for server in servers:
        for index, port in enumerate(cloud.network.ports(device_id=server.id)):
            cloud.network.update_port(port, name=f"{server.name}-{index}")


def _values(
    folders: Folders, cloud: Connection, cluster: LegacyCluster, servers: list[Any]
) -> dict[str, object]:
    ports = {server.name: next(iter(cloud.network.ports(device_id=server.id))) for server in servers}
    first = ports[servers[0].name]
    subnet = first.fixed_ips[0]["subnet_id"]
    router = next(
        r
        for r in cloud.network.routers(project_id=cloud.current_project_id)
        if r.name.startswith(cluster.name)
    )
    masters = [server for server in servers if "-master-" in server.name]
    groups = [
        _group(
            cloud,
            group.name,
            [s for s in servers if s.name.startswith(f"{cluster.name}-{group.name}-")],
            ports,
        )
        for group in cluster.worker_groups
    ]
    hosts, address = create.known_hosts(folders, cluster), masters[0].name
    address = ports[address].fixed_ips[0]["ip_address"]
    pki = {
        name: {
            field: ssh.run(folders, hosts, address, f"sudo cat /etc/kubernetes/pki/{file}").decode()
            for field, file in zip(("tls.crt", "tls.key"), files, strict=True)
        }
        for name, files in PKI.items()
    }
    kubeconfig = yaml.safe_load((folders.cluster(cluster.name) / "kubeconfig").read_text())
    endpoint = kubeconfig["clusters"][0]["cluster"]["server"].removeprefix("https://").rpartition(":")[0]
    return {
        "name": cluster.name,
        "namespace": cluster.name,
        "clouds_yaml": member_clouds_yaml(folders),
        "kubeconfig": yaml.safe_dump(kubeconfig),
        "pki": pki,
        "api_address": endpoint,
        "pod_cidr": cluster.pod_cidr,
        "service_cidr": cluster.service_cidr,
        "network": first.network_id,
        "subnet": subnet,
        "router": router.id,
        "external_network": router.external_gateway_info["network_id"],
        "image": cloud.image.find_image(images.glance_name(cluster.kubernetes), ignore_missing=False).id,
        "ssh_key": servers[0].key_name,
        "version": images.kubernetes_version(cluster.kubernetes),
        "zone": servers[0].availability_zone,
        "control_plane": _group(cloud, "control-plane", masters, ports),
        "worker_groups": groups,
    }


def _group(cloud: Connection, name: str, servers: list[Any], ports: dict[str, Any]) -> dict[str, object]:
    # Since microversion 2.47 a server embeds its flavor and no longer names its ID (Nova, API history).
    flavor = cloud.compute.find_flavor(servers[0].flavor["original_name"], ignore_missing=False)
    assert flavor is not None
    return {
        "name": name,
        "machines": [server.name for server in servers],
        "flavor": flavor.id,
        "security_groups": sorted(ports[servers[0].name].security_group_ids),
    }


def _wrong_servers(plane: Kube, namespace: str, servers: list[Any]) -> str:
    """ "" when CAPO found exactly the servers that were there."""
    seen = {
        str(found["metadata"]["name"]): str(found.get("status", {}).get("instanceID", ""))
        for found in plane.list("OpenStackServer", namespace)
    }
    wanted = {server.name: server.id for server in servers}
    wrong = {name: seen.get(name, "") for name in wanted if seen.get(name) != wanted[name]}
    more = seen.keys() - wanted.keys()
    return f"instance IDs {wrong}, additional {sorted(more)}" if wrong or more else ""


def _deployment_adopted(plane: Kube, namespace: str, name: str) -> str:
    sets = plane.list("MachineSet", namespace, {"cluster.x-k8s.io/deployment-name": name})
    if [str(found["metadata"]["name"]) for found in sets] != [f"{name}-adopted"]:
        raise GroundError(name, f"made a MachineSet of its own: {sets}", "Compare the two templates.")
    # With a paused KCP no Machine gets beyond NodeHealthy=Unknown: ask for owners and counts, not readiness.
    machines = plane.list("Machine", namespace, {"cluster.x-k8s.io/deployment-name": name})
    orphans = [str(m["metadata"]["name"]) for m in machines if not m["metadata"].get("ownerReferences")]
    if orphans or not sets[0]["metadata"].get("ownerReferences"):
        return f"not owned yet: Machines {orphans}, MachineSet {sets[0]['metadata']['name']}"
    return settled.counts(plane.get("MachineDeployment", name, namespace), ("replicas", "upToDateReplicas"))


def _unpause(plane: Kube, kind: str, name: str, namespace: str) -> None:
    plane.merge(kind, name, {"metadata": {"annotations": {"cluster.x-k8s.io/paused": None}}}, namespace)


def _must_be_unchanged(cloud: Connection, before: project.Holdings, after_what: str) -> None:
    differences = before.difference(project.holdings(cloud))
    if differences:
        raise GroundError("takeover", f"after {after_what} OpenStack changed: {differences}", "Stop here.")
