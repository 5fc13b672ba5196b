"""The twin serves a world to the real client libraries, writes the operator's files, and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import lightkube
import pytest
import yaml
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.core_v1 import Node

import openstack
from replank.inventory.fleet.loader import load_fleet
from replank.testbed.fleet.demo import PLAIN, demo_world
from replank.testbed.fleet.disk import write_workdir
from replank.testbed.fleet.generate import generate
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.twin import Twin


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    with Twin(demo_world(1), tmp_path_factory.mktemp("work")) as running:
        yield running


def fleet_document(twin: Twin) -> dict:
    return yaml.safe_load(twin.fleet_file.read_text())


def test_fleet_file_is_one_that_replank_reads(twin: Twin) -> None:
    fleet = load_fleet(twin.fleet_file.read_text(), path=str(twin.fleet_file), home="/nowhere")
    assert [cluster.name for cluster in fleet.clusters] == ["flawed", "groups", "plain"]
    for cluster in fleet.clusters:
        assert cluster.ssh is not None
        assert cluster.kubeconfig is not None
        assert cluster.cloud is not None
        assert cluster.management.namespace == cluster.name
        for path in (cluster.kubeconfig.path, cluster.ssh.key, cluster.ssh.known_hosts):
            assert Path(path).is_file()
        assert all(Path(source.path).exists() for source in cluster.state)


def test_files_are_the_owners_alone(twin: Twin) -> None:
    files = [path for path in twin.folder.rglob("*") if path.is_file()]
    assert len(files) > 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_openstacksdk_sees_the_servers(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(twin.folder / "clouds.yaml"))
    with openstack.connect(cloud="legacy") as cloud:
        names = {server.name for server in cloud.compute.servers()}
        assert {"plain-cp-1", "groups-gpu-1", "flawed-worker-1"} <= names
        assert "flawed-worker-4" not in names
        assert "plain-api" in {lb.name for lb in cloud.load_balancer.load_balancers()}


def test_lightkube_sees_the_nodes(twin: Twin) -> None:
    config = lightkube.KubeConfig.from_file(twin.folder / "kube" / "groups.yaml")
    with lightkube.Client(config=config) as client:
        names = {node.metadata.name for node in client.list(Node)}
    assert len(names) == 9


def test_a_token_kubeconfig_is_let_in_too(twin: Twin) -> None:
    document = yaml.safe_load((twin.folder / "kube" / "flawed.yaml").read_text())
    assert set(document["users"][0]["user"]) == {"token"}
    config = lightkube.KubeConfig.from_file(twin.folder / "kube" / "flawed.yaml")
    with lightkube.Client(config=config) as client:
        assert sum(1 for _ in client.list(Node)) == 8


def test_asyncssh_reaches_a_machine_through_the_jump_host(twin: Twin) -> None:
    ssh = fleet_document(twin)["defaults"]["ssh"]
    user, _, host = ssh["jump"].partition("@")
    name, _, port = host.partition(":")
    options = {
        "username": user,
        "client_keys": [str(twin.folder / ssh["key"])],
        "known_hosts": str(twin.folder / ssh["known_hosts"]),
        "config": [],
    }
    address = twin.world.clusters[0].machines[0].address

    async def hostname() -> str:
        async with (
            asyncssh.connect(name, int(port), **options) as jump,
            asyncssh.connect(address, tunnel=jump, **options) as machine,
        ):
            answer = await machine.run("hostname", check=True)
            return str(answer.stdout).strip()

    assert asyncio.run(hostname()) == "plain-cp-1"


def test_the_management_cluster_has_its_providers(twin: Twin) -> None:
    config = lightkube.KubeConfig.from_file(twin.folder / "kube" / "management.yaml")
    kind = create_namespaced_resource("clusterctl.cluster.x-k8s.io", "v1alpha3", "Provider", "providers")
    with lightkube.Client(config=config) as client:
        found = {(p["type"], p["providerName"], p["version"]) for p in client.list(kind, namespace="*")}
    assert ("InfrastructureProvider", "openstack", "v0.14.7") in found
    assert len(found) == 4


def test_a_state_lock_lies_beside_its_state(twin: Twin) -> None:
    lock = twin.folder / "tf" / "flawed" / ".terraform.tfstate.lock.info"
    assert json.loads(lock.read_text())["Who"] == "ops@jump-1"


def test_known_hosts_has_the_key_that_the_operator_met_first(tmp_path: Path) -> None:

    lines = []
    for defects in ((), ("host-key-changed",)):
        world = generate(1, [replace(PLAIN, defects=defects)], datetime.now(UTC))
        folder = tmp_path / f"with-{len(defects)}"
        write_workdir(
            world,
            folder,
            auth_url="http://127.0.0.1:1",
            api_urls={"plain": "https://127.0.0.1:1"},
            ssh_port=1,
            management_url="https://127.0.0.1:1",
        )
        lines.append((folder / "ssh" / "known_hosts").read_text().splitlines())
    assert len(set(lines[0]) ^ set(lines[1])) == 2


def test_a_twin_stops_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with Twin(demo_world(2), tmp_path) as running:
        assert threading.active_count() > before
        assert running.openstack.port
    assert threading.active_count() == before


def test_a_server_that_does_not_start_stops_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = threading.active_count()
    broken = Twin(demo_world(2), tmp_path)

    def refuse(_: SshTwin) -> SshTwin:
        raise TimeoutError("the SSH twin did not start")

    monkeypatch.setattr(SshTwin, "__enter__", refuse)
    with pytest.raises(TimeoutError):
        broken.__enter__()
    assert threading.active_count() == before
