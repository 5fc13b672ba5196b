"""A cluster that was left at Kubernetes 1.23 on Docker: it comes up, and replank's audit is true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from findings import differences, expected
from shell import replank

from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario.fresh import DOCKER, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.operator import write_fleet_file
from proving_ground.settings import Folders
from replank.app.store import SnapshotStore
from replank.inventory.facts.snapshot import Snapshot

# Compiling Kubernetes 1.23 may be part of it.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def docker_cluster(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and one worker on Docker, up and serving; destroyed afterwards."""
    yield fresh_cluster(ground, DOCKER, progress)
    create.destroy(ground, DOCKER, progress)


def test_kubelets_of_a_1_23_cluster_run_containers_with_docker(docker_cluster: Kube) -> None:
    nodes = [node["status"]["nodeInfo"] for node in docker_cluster.list("Node")]
    assert {node["kubeletVersion"] for node in nodes} == {"v1.23.17"}
    assert {node["containerRuntimeVersion"].partition("://")[0] for node in nodes} == {"docker"}


@pytest.mark.usefixtures("docker_cluster")
def test_the_logs_of_a_1_23_cluster_are_files_of_dockers_json_driver(ground: Folders) -> None:
    worker = tofu.read(ground, DOCKER).workers[0]
    hosts = create.known_hosts(ground, DOCKER)
    path = "/var/log/pods/shop_log-writer-*/log-writer/0.log"
    file = ssh.run(ground, hosts, worker.address, f"sudo sh -c 'readlink -f {path}'").decode().strip()
    assert file.startswith("/var/lib/docker/containers/")
    assert file.endswith("-json.log")
    line = json.loads(ssh.run(ground, hosts, worker.address, f"sudo head -1 {file}"))
    assert line.keys() == {"log", "stream", "time"}


@dataclass(frozen=True)
class Seen:
    """What replank said of the cluster."""

    snapshot: Snapshot
    audit: list[dict[str, Any]]


@pytest.fixture(scope="module")
def seen(
    ground: Folders, docker_cluster: Kube, progress: Progress, tmp_path_factory: pytest.TempPathFactory
) -> Seen:
    """The cluster, surveyed with its worker, and audited."""
    assert docker_cluster.list("Node")
    desk = tmp_path_factory.mktemp("desk")
    fleet, snapshots = desk / "fleet.yaml", desk / "snapshots"
    write_fleet_file(ground, [DOCKER], fleet)
    with progress.step("docker: survey, audit"):
        replank("survey", "--workers", "--fleet", fleet, "--snapshots", snapshots, accept=(0, 2))
        asked = ("--fleet", fleet, "--snapshots", snapshots, "--json", "--fail-on", "never", "docker")
        audit = json.loads(replank("audit", *asked, accept=(0, 2)))["docker"]
    return Seen(SnapshotStore(snapshots).latest("docker")[1], audit)


def test_audit_of_a_1_23_cluster_on_docker_says_exactly_what_is_true(seen: Seen) -> None:
    wrong = differences(expected("docker-1.23"), seen.audit)
    assert not wrong, "\n".join(["the audit differs from what is true of the cluster:", *wrong])


def test_survey_tells_docker_from_the_containerd_below_it(seen: Seen, docker_cluster: Kube) -> None:
    runtimes = {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["containerRuntimeVersion"]
        for node in docker_cluster.list("Node")
    }
    assert {host.server: host.runtime for host in seen.snapshot.hosts} == runtimes
