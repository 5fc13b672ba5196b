"""The machines of legacy clusters: genuine OpenTofu, provider and state, and what replank reads of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from openstack.connection import Connection

from proving_ground.cloud.connect import connect
from proving_ground.legacy import tofu
from proving_ground.legacy.layout import LegacyCluster, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import project
from proving_ground.settings import Folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary
from replank.inventory.facts.terraform import StateFile
from replank.inventory.fleet.model import StateSource
from replank.inventory.terraform import server_ports
from replank.inventory.terraform.attributes import allowed
from replank.transports.terraform.pull import Puller
from replank.transports.terraform.reader import TerraformStateReader

pytestmark = [pytest.mark.ground, pytest.mark.timeout(900)]

PLAIN = LegacyCluster(
    name="tofuplain",
    number=170,
    worker_groups=(
        WorkerGroup(allowed_address_pairs=("10.13.0.0/16",)),
        WorkerGroup(name="large", flavor="m1.large"),
    ),
)
KUBESPRAY = LegacyCluster(name="tofuspray", number=171, control_planes=1, layout="kubespray")
PORTS = {"plain": "{}-port", "kubespray": "{}"}
"""Name of a machine's port; Cluster API's would be another one."""


@dataclass(frozen=True)
class Made:
    """A cluster's machines, and the state they left."""

    cluster: LegacyCluster
    machines: tofu.Machines
    state: dict[str, Any]


@pytest.fixture(scope="module")
def cloud(ground: Folders) -> Iterator[Connection]:
    with connect(ground) as connection:
        yield connection


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(PLAIN, id="plain"),
        # It compiles the OpenStack provider's old version.
        pytest.param(KUBESPRAY, id="kubespray", marks=pytest.mark.long),
    ],
)
def made(ground: Folders, progress: Progress, request: pytest.FixtureRequest) -> Iterator[Made]:
    cluster: LegacyCluster = request.param
    with progress.step(f"toolchain {tofu.PROVIDER_GROUPS[cluster.layout]}"):
        build.build(ground, tofu.PROVIDER_GROUPS[cluster.layout])
    tofu.destroy(ground, cluster)  # what an interrupted run left
    try:
        with progress.step(f"{cluster.name}: tofu apply"):
            machines = tofu.apply(ground, cluster)
        state = json.loads((tofu.folder(ground, cluster) / "terraform.tfstate").read_text())
        yield Made(cluster, machines, state)
    finally:
        with progress.step(f"{cluster.name}: tofu destroy"):
            tofu.destroy(ground, cluster)
        shutil.rmtree(ground.cluster(cluster.name), ignore_errors=True)


def read(ground: Folders, made: Made, **how: Any) -> StateFile:
    source = StateSource(path=str(tofu.folder(ground, made.cluster)), **how)
    reader = TerraformStateReader(
        puller=Puller(environment={**os.environ, **tofu.environment(ground, made.cluster)})
    )
    (state,) = asyncio.run(reader.read(source))
    return state


def test_a_second_plan_changes_nothing(ground: Folders, made: Made) -> None:
    assert not tofu.has_changes(ground, made.cluster)


def test_machines_are_the_clouds_servers_and_ports(cloud: Connection, made: Made) -> None:
    assert len(made.machines.machines) == made.cluster.nodes
    for machine in made.machines.machines:
        server = cloud.compute.get_server(machine.server_id)
        port = cloud.network.get_port(machine.port_id)
        assert (server.name, server.status) == (machine.name, "ACTIVE")
        assert (port.device_id, port.name) == (server.id, PORTS[made.cluster.layout].format(server.name))
        assert [fixed["ip_address"] for fixed in port.fixed_ips] == [machine.address]


def test_the_load_balancer_has_the_control_planes_as_members(cloud: Connection, made: Made) -> None:
    (balancer,) = (
        b for b in cloud.load_balancer.load_balancers() if b.vip_subnet_id == made.machines.subnet_id
    )
    (pool,) = cloud.load_balancer.pools(loadbalancer_id=balancer.id)
    addresses = sorted(member.address for member in cloud.load_balancer.members(pool.id))
    assert addresses == sorted(machine.address for machine in made.machines.control_planes)
    floating = [ip.floating_ip_address for ip in cloud.network.ips(port_id=balancer.vip_port_id)]
    assert [made.machines.api_address] == (floating or [balancer.vip_address])


def test_replank_reads_the_same_from_the_folder_and_by_state_pull(ground: Folders, made: Made) -> None:
    folder = read(ground, made, kind="folder")
    pulled = read(ground, made, kind="pull", command=str(binary(ground, "opentofu", "tofu")))
    assert (folder.serial, folder.lineage) == (made.state["serial"], made.state["lineage"])
    assert [replace(resource, state="") for resource in folder.resources] == [
        replace(resource, state="") for resource in pulled.resources
    ]


def test_replank_reads_the_state_without_loss(ground: Folders, made: Made) -> None:
    state = read(ground, made, kind="folder")
    assert state.skipped_providers == {}
    written = {
        (resource["mode"], resource["type"], instance["attributes"]["id"]): instance["attributes"]
        for resource in made.state["resources"]
        for instance in resource["instances"]
    }
    found = {(resource.mode, resource.type, resource.id): resource for resource in state.resources}
    assert found.keys() == written.keys()
    for key, resource in found.items():
        wanted = {name for name in allowed(resource.type) if written[key].get(name) is not None}
        assert set(resource.attributes) == wanted, resource.address
        assert resource.provider == "terraform-provider-openstack/openstack"
        assert not resource.tainted


def test_replank_joins_servers_and_ports(ground: Folders, made: Made) -> None:
    ports = {
        found.server_id: found.ports for found in server_ports(read(ground, made, kind="folder").resources)
    }
    assert ports == {machine.server_id: (machine.port_id,) for machine in made.machines.machines}


def test_user_data_is_in_the_state_as_a_digest_only(ground: Folders, made: Made) -> None:
    servers = [
        instance["attributes"]
        for resource in made.state["resources"]
        if resource["type"] == "openstack_compute_instance_v2"
        for instance in resource["instances"]
    ]
    digests = [server["user_data"] for server in servers if server["user_data"] is not None]
    assert all(len(digest) == hashlib.sha1(b"").digest_size * 2 for digest in digests)
    assert len(digests) == (len(servers) if made.cluster.layout == "plain" else 0)


def test_destroy_leaves_nothing(ground: Folders, cloud: Connection, made: Made) -> None:
    tofu.destroy(ground, made.cluster)
    ours = {
        instance["attributes"]["id"]
        for resource in made.state["resources"]
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }
    held = [found for kind in asdict(project.holdings(cloud)).values() for found in kind.items()]
    held += [(found.id, found.name) for found in cloud.compute.server_groups()]
    held += [(found.name, found.name) for found in cloud.compute.keypairs()]
    assert not [(id, name) for id, name in held if id in ours or made.cluster.name in (name or "")]
    assert cloud.network.find_network(made.machines.network_id) is None, "with it its ports are gone"
