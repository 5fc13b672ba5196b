"""A twin's machine runs the part of a swap that is put there, on its own files, and nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from living_nodes import CONTROL_PLANE, WORKER, Living, living

from replank.domain.errors import Refused
from replank.inventory.hosts.swap_commands import FOLDER, NODE_PART
from replank.ports.nodes import Parcel
from replank.testbed.fleet.demo import docker_world
from replank.testbed.node.disk import Disk
from replank.testbed.node.machine import Node
from replank.testbed.node.rooted import rooted_plan
from replank.testbed.node.told import Told
from replank.testbed.nodes import start_nodes
from replank.testbed.twin import Twin
from replank.testbed.world import FileEntry, Machine

ROOT = Path("/somewhere/below")


def parcel(path: str, data: bytes) -> Parcel:
    return Parcel(path=path, sha256=hashlib.sha256(data).hexdigest(), data=data)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Living]:
    with living(tmp_path) as made:
        yield made


def test_a_node_tells_its_runtime_and_a_container_id_for_every_container(site: Living) -> None:
    assert site.runtimes() == {WORKER: "containerd://1.7.29", CONTROL_PLANE: "containerd://1.7.29"}
    containers = site.containers()
    pods = list(site.twin.api("small").objects.all("Pod"))
    assert len(containers) == sum(len(pod["spec"]["containers"]) for pod in pods) > 10
    assert set(containers.values()) == {0}


def test_what_runs_is_the_program_that_was_put_there(site: Living) -> None:
    nodes = site.over_ssh()
    part = b"""
def read_plan(path):
    return {}

def answer(command, verb, base, outside):
    (base / "was here").write_text(str(base))
    return 0, {"outcome": command + " by another program", "base": str(base)}
"""
    assert asyncio.run(nodes.status(WORKER)) is None
    assert asyncio.run(nodes.put(WORKER, parcel(NODE_PART, part)))
    assert not asyncio.run(nodes.put(WORKER, parcel(NODE_PART, part)))
    told = asyncio.run(nodes.tell(WORKER, "stage"))
    assert told == {"outcome": "stage by another program", "base": FOLDER}, "paths are the node's own"
    files = site.nodes[WORKER].machine.files
    assert files[f"{FOLDER}/was here"].content == FOLDER.encode()
    assert f"{FOLDER}/was here" not in site.nodes[CONTROL_PLANE].machine.files
    assert site.twin.ssh.strange_commands == []


def test_a_machine_without_python_says_so(site: Living) -> None:
    site.twin.ssh.nodes.clear()
    nodes = site.over_ssh()
    asyncio.run(nodes.put(WORKER, parcel(NODE_PART, b"x")))
    with pytest.raises(Refused) as refused:
        asyncio.run(nodes.tell(WORKER, "stage"))
    assert refused.value.code == "RP947"


def test_a_container_that_ends_is_started_again_and_the_api_counts_it(site: Living) -> None:
    world = site.nodes[WORKER].world
    one = next(c for c in world.cri if c["type"] == "container")
    before = site.containers()
    one["up"] = False
    world.tick()
    told = {i: n for i, n in site.containers().items() if before[i] != n}
    assert told == {f"containerd://{one['id']}": 1}


def test_a_kubelet_that_is_down_tells_nothing(site: Living) -> None:
    world = site.nodes[WORKER].world
    world.units["kubelet.service"]["active"] = False
    world.daemon = "9.9.9"
    world.tick()
    assert site.runtimes()[WORKER] == "containerd://1.7.29"


def test_what_a_machine_tells_a_survey_is_untouched_while_its_own_daemon_runs(site: Living) -> None:
    machine = site.nodes[WORKER].machine
    files, commands = dict(machine.files), dict(machine.commands)
    Told.by(machine).renew(machine, site.nodes[WORKER].world)
    assert (machine.files, machine.commands) == (files, commands)


def test_files_go_to_the_folder_and_what_changes_there_comes_back(tmp_path: Path) -> None:
    kept, gone = FileEntry(b"kept", "0400", package="p"), FileEntry(b"gone")
    machine = Machine("m", "id", "key", files={"/etc/kept": kept, "/etc/gone": gone, "/etc/edit": gone})
    disk = Disk(machine, tmp_path)
    disk.lay_out()
    (tmp_path / "etc/gone").unlink()
    (tmp_path / "etc/edit").write_text(f"edited below {tmp_path}/etc")
    (tmp_path / "new").write_text("new")
    (tmp_path / "new").chmod(0o600)
    (tmp_path / "link").symlink_to("new")
    disk.take_back()
    assert machine.files == {
        "/etc/kept": kept,
        "/etc/edit": FileEntry(b"edited below /etc"),
        "/new": FileEntry(b"new", "0600"),
    }
    machine.files.pop("/new")
    machine.files["/etc/kept"] = FileEntry(b"by ssh", "0400")
    disk.lay_out()
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "etc/kept").read_text() == "by ssh"
    assert (tmp_path / "etc/edit").read_text().endswith(f"{tmp_path}/etc"), "the node's own text stays"


TEXTS = st.sampled_from(["content", "expected", "socket", "final_socket"])
VALUES = st.recursive(
    st.text() | st.integers() | st.sampled_from(["/etc/x", "/opt", "unix:///run/x", f"{ROOT}/etc"]),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.text(), inner),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key != "paths"), VALUES))
def test_no_path_of_a_plan_leaves_the_nodes_folder(plan: dict[str, Any]) -> None:
    rooted = rooted_plan(plan, ROOT)
    assert rooted_plan(rooted, ROOT) == rooted, "a plan that was begun is read again"
    assert {key: value for key, value in rooted.items() if key in ("content", "socket")} == {
        key: value for key, value in plan.items() if key in ("content", "socket")
    }
    for path in paths_in(rooted):
        assert Path(path).is_relative_to(ROOT)


def paths_in(value: Any, key: str = "") -> Iterator[str]:
    if key in ("content", "expected", "socket", "final_socket"):
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from paths_in(inner)
    elif isinstance(value, str) and value.startswith("/"):
        yield value


def test_files_of_a_plan_belong_to_whoever_runs_the_twin() -> None:
    file = {"path": "/etc/x", "content": "/etc/y", "uid": 0, "gid": 0}
    rooted = rooted_plan({"files": [file], "host_ports": [{"uid": "a pod"}]}, ROOT)
    (seen,) = rooted["files"]
    assert seen == {"path": f"{ROOT}/etc/x", "content": "/etc/y", "uid": os.getuid(), "gid": os.getgid()}
    assert rooted["host_ports"] == [{"uid": "a pod"}]
    assert json.dumps(rooted["paths"]).count(str(ROOT)) == 3


@pytest.fixture(scope="module")
def on_docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A worker of the demo's cluster on Docker."""
    folder = tmp_path_factory.mktemp("docker")
    with Twin(docker_world(1), folder) as twin:
        yield start_nodes(twin, "on-docker", folder / "nodes")["on-docker-worker-1"]


def test_a_node_on_docker_runs_its_pods_there_and_gives_addresses_to_those_without_the_hosts(
    on_docker: Node,
) -> None:
    world = on_docker.world
    assert world.report is not None
    assert world.report.runtime == "docker://28.5.2"
    assert {identity.partition("://")[0] for identity, _, _ in world.report.containers.values()} == {"docker"}
    own = {pod["uid"] for pod in world.pods if not pod["host_network"]}
    sandboxes = {c["id"] for c in world.docker if c["type"] == "podsandbox" and c["uid"] in own}
    stored = world.path("var/lib/cni/networks/podnet").iterdir()
    assert {path.read_text().split("\n")[0] for path in stored} == sandboxes != set()
    assert len(own) < len(world.pods)


def test_a_container_counts_its_starts_over_both_runtimes(on_docker: Node) -> None:
    world = on_docker.world
    pod = world.pods[0]
    assert world.starts(pod, pod["containers"][0]) == 1
    world.run_pod(pod, world.cri, docker=False)
    started = [c for c in world.cri if c["type"] == "container"]
    assert [c["restarts"] for c in started] == [1] * len(pod["containers"])
