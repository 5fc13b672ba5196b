"""One legacy cluster on which wrong plans are tried: what is looked at, and how everything is put away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desk import Desk
from lightkube.core.exceptions import ApiError
from living import CAPI_KINDS, machines_of, metadata_of_nodes, port_names
from openstack.connection import Connection

from proving_ground.cloud import connect
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import etcd, project
from proving_ground.scenario.fresh import fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.plan.takeover import TakeoverPlan


@dataclass(frozen=True)
class Scene:
    """A cluster with its plan. `plan`: replank's own, made while OpenTofu still owned the machines."""

    ground: Folders
    desk: Desk
    plan: TakeoverPlan
    plane: Kube
    workload: Kube
    cloud: Connection

    @property
    def cluster(self) -> LegacyCluster:
        return self.desk.cluster

    @property
    def name(self) -> str:
        return self.desk.cluster.name

    def let_terraform_go(self) -> None:
        """So that no run waits for people, and none gives back what it did not take."""
        tofu.forget(self.ground, self.cluster, [forget.address for forget in self.plan.forget])

    def machine(self, role: str) -> str:
        """Name of the one machine of a role."""
        (found,) = [machine.machine for machine in self.plan.machines if machine.role == role]
        return found

    def port(self, machine: str) -> str:
        """ID of its port."""
        return next(m.ports[0].id for m in self.plan.machines if m.machine == machine)

    def on_control_plane(self, command: str) -> str:
        """stdout of a command on the control-plane machine."""
        address = tofu.read(self.ground, self.cluster).control_planes[0].address
        known = create.known_hosts(self.ground, self.cluster)
        return ssh.run(self.ground, known, address, command).decode()

    def etcd_members(self) -> dict[str, str]:
        """ID -> name, as etcd itself says."""
        return {
            found["ID"]: found["name"] for found in json.loads(self.on_control_plane(etcd.LIST))["members"]
        }

    def own_holdings(self) -> project.Holdings:
        """What the project holds; others work in it too."""
        return project.holdings(self.cloud)

    def differences(self, before: project.Holdings) -> dict[str, str]:
        """What came and went of things called as this cluster's."""
        found = before.difference(self.own_holdings())
        return {what: how for what, how in found.items() if f" {self.name}-" in what}

    def look(self) -> dict[str, Any]:
        """All that an undo must leave as it was, by what it is."""
        prefix = f"replank-{self.name}-"
        credentials = self.cloud.identity.application_credentials(self.cloud.current_user_id)
        servers = [s for s in self.cloud.compute.servers() if s.name.startswith(f"{self.name}-")]
        return {
            "machines": machines_of(self.cloud, self.cluster),
            "ports": port_names(self.cloud, self.cluster),
            "locks": {server.id: server.is_locked for server in servers},
            "etcd": self.etcd_members(),
            "nodes": metadata_of_nodes(self.workload),
            "credentials": sorted(c.name for c in credentials if c.name.startswith(prefix)),
            "objects": self.objects(),
            "namespace": self.plane.find("Namespace", self.name) is not None,
        }

    def objects(self) -> list[str]:
        """`Kind/name` of the cluster's on the management cluster."""
        kinds = (*CAPI_KINDS, "Secret")
        return [f"{k}/{found['metadata']['name']}" for k in kinds for found in self.plane.list(k, self.name)]

    def deleting(self) -> list[str]:
        """Those with a deletionTimestamp."""
        return [
            f"{kind}/{found['metadata']['name']}"
            for kind in CAPI_KINDS
            for found in self.plane.list(kind, self.name)
            if found["metadata"].get("deletionTimestamp")
        ]

    def machines_beyond_the_plan(self) -> list[str]:
        """Machines that Cluster API has made."""
        planned = {machine.machine for machine in self.plan.machines}
        names = {str(found["metadata"]["name"]) for found in self.plane.list("Machine", self.name)}
        return sorted(names - planned)

    @contextmanager
    def unharmed(self) -> Iterator[None]:
        """Whatever happens inside: no machine, port or etcd member comes or goes, and nothing is deleted."""
        before, members = self.own_holdings(), self.etcd_members()
        yield
        assert self.differences(before) == {}
        assert self.etcd_members() == members
        assert self.deleting() == []
        assert self.machines_beyond_the_plan() == []

    def relabel(self, kind: str, name: str, labels: dict[str, str | None]) -> None:
        """None takes a label away."""
        self.plane.merge(kind, name, {"metadata": {"labels": labels}}, self.name)

    def rename_etcd_member(self, old: str, new: str) -> None:
        """By its static pod's flag; waits until etcd calls itself so and the API server is back."""
        manifest, draft = "/etc/kubernetes/manifests/etcd.yaml", "/etc/kubernetes/etcd.yaml.new"
        # Moved into its folder whole: the kubelet reads every file that it sees there.
        self.on_control_plane(
            f"sudo sed 's/--name={old}$/--name={new}/' {manifest} | sudo tee {draft} >/dev/null "
            f"&& sudo chmod 600 {draft} && sudo mv {draft} {manifest}"
        )
        until(f"etcd member {new}", lambda: self._not_called(new), limit_s=180)

    def _not_called(self, name: str) -> str:
        seen = self.on_control_plane(
            f"{etcd.LIST} 2>&1; sudo curl -sSk --max-time 5 https://127.0.0.1:6443/readyz 2>&1 || true"
        )
        return "" if f'"name":"{name}"' in seen and seen.endswith("ok") else seen[-300:]


@contextmanager
def scene(ground: Folders, cluster: LegacyCluster, folder: Path, progress: Progress) -> Iterator[Scene]:
    """The cluster, fresh, with its plan. All that is left of it is put away afterwards."""
    workload = fresh_cluster(ground, cluster, progress)
    plane, cloud = Kube(ground.plane("one") / "kubeconfig"), connect(ground)
    state = tofu.folder(ground, cluster) / "terraform.tfstate"
    desk = Desk(ground, cluster, folder)
    kept = state.read_bytes()
    try:
        plan = desk.prepare(progress)
        yield Scene(ground, desk, plan, plane, workload, cloud)
    finally:
        state.write_bytes(kept)
        with progress.step(f"{cluster.name}: put away"):
            _without_controllers(plane, cluster.name)
            _in_openstack(ground, cloud, cluster)
        create.destroy(ground, cluster, progress)


def _without_controllers(plane: Kube, namespace: str) -> None:
    """Objects go without their finalizers: what they stand for is destroyed by OpenTofu, or below."""
    if plane.find("Cluster", namespace, namespace):
        plane.merge("Cluster", namespace, {"spec": {"paused": True}}, namespace)

    def left() -> str:
        found = [
            (kind, each["metadata"]["name"]) for kind in CAPI_KINDS for each in plane.list(kind, namespace)
        ]
        for kind, name in found:
            plane.delete(kind, name, namespace)
            _strip(plane, kind, name, namespace)
        return ", ".join(name for _, name in found)

    until(f"objects of {namespace}", left, limit_s=60)
    if plane.find("Namespace", namespace):
        plane.delete("Namespace", namespace)
    until(namespace, lambda: "still there" if plane.find("Namespace", namespace) else "", 60)


def _strip(plane: Kube, kind: str, name: str, namespace: str) -> None:
    try:
        plane.merge(kind, name, {"metadata": {"finalizers": None}}, namespace)
    except ApiError as error:
        if error.status.code != 404:
            raise


def _in_openstack(ground: Folders, cloud: Connection, cluster: LegacyCluster) -> None:
    """Locks, credentials, and machines that OpenTofu does not know."""
    known = tofu.read(ground, cluster)
    servers = {machine.server_id for machine in known.machines}
    for server in [s for s in cloud.compute.servers() if s.name.startswith(f"{cluster.name}-")]:
        cloud.compute.unlock_server(server)
        if server.id not in servers:
            cloud.compute.delete_server(server)
            cloud.compute.wait_for_delete(server)
    ports = {machine.port_id for machine in known.machines}
    for port in cloud.network.ports(network_id=known.network_id):
        if port.id not in ports and port.name.startswith(f"{cluster.name}-") and not port.device_id:
            cloud.network.delete_port(port)
    for credential in cloud.identity.application_credentials(cloud.current_user_id):
        if credential.name.startswith(f"replank-{cluster.name}-"):
            cloud.identity.delete_application_credential(cloud.current_user_id, credential)
