"""Every fault does what it says, and puts back what it changed.

Needs the ground (`make ground-up`). Faults of parts hit a management plane of their own, `three`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
import yaml
from docker.models.containers import Container
from keystoneauth1.exceptions import ConnectFailure, ConnectTimeout
from openstack.connection import Connection
from openstack.exceptions import HttpException

import openstack
from proving_ground import cloud as ground_cloud
from proving_ground import management
from proving_ground.engine import docker_engine, parts
from proving_ground.engine.parts import answers
from proving_ground.errors import GroundError
from proving_ground.faults import (
    Answer,
    CutBefore,
    Delay,
    Hang,
    LoseAnswer,
    OpenStackProxy,
    Rule,
    cut_off,
    disk_full,
    find_machine,
    frozen,
    heal,
    killed,
    openstack_proxy,
    reboot,
    slowed,
    stopped,
)
from proving_ground.management import credentials
from proving_ground.management.api import Api
from proving_ground.management.plane import ADDRESS, API_SERVER, Plane
from proving_ground.progress import Progress
from proving_ground.scenario.waiting import until
from proving_ground.settings import CLOUD_ADDRESS, Folders, cluster_cidr

pytestmark = [pytest.mark.ground, pytest.mark.timeout(300)]

NAME = "faults-test"
IMAGE = re.compile(r"debian-12-kube-")
DIRECTORY = "/var/backups/proof"


class Planned(Exception):
    """What goes wrong in a test's block."""


@pytest.fixture(scope="module")
def client(ground: Folders) -> Iterator[docker.DockerClient]:
    connected = docker_engine.connect()
    yield connected
    connected.close()


# --- parts


@pytest.fixture(scope="module")
def plane(client: docker.DockerClient, ground: Folders, progress: Progress) -> Iterator[Plane]:
    management.up(client, ground, progress, "three")
    yield management.plane(ground, "three")
    management.down(client, ground, "three")


@pytest.fixture
def capo(client: docker.DockerClient, plane: Plane) -> Container:
    return client.containers.get(f"ground-{plane.part('capo')}")


def health(plane: Plane, timeout_s: float = 2) -> int:
    """Status of the answer of CAPO's health endpoint. Raises OSError where there is none."""
    connection = http.client.HTTPConnection(ADDRESS, plane.port("capo", "health"), timeout=timeout_s)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    finally:
        connection.close()


def started(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


def test_stopped_part_refuses_connections_and_serves_again(client: docker.DockerClient, plane: Plane) -> None:
    ready = answers(f"{plane.server}/readyz", ca=credentials.ca_file(plane))
    with Api(plane) as api:
        assert api.get("/readyz").status == 200
        with stopped(client, plane.part(API_SERVER), ready):
            answer = api.get("/readyz")
            assert answer.status == 0
            assert "refused" in answer.message
        assert api.get("/readyz").status == 200


def test_killed_part_had_no_time_and_listens_again(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    before = started(capo)
    with killed(client, plane.part("capo")):
        capo.reload()
        assert capo.status == "exited"
        assert capo.attrs["State"]["ExitCode"] == 128 + 9
        with pytest.raises(ConnectionRefusedError):
            health(plane)
    assert health(plane) == 200
    assert started(capo) > before


def test_part_comes_back_after_an_exception(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    with pytest.raises(Planned), stopped(client, plane.part("capo")):
        raise Planned
    assert health(plane) == 200


def test_part_that_somebody_else_started_again_is_no_error(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    with killed(client, plane.part("capo")):
        capo.start()
    assert health(plane) == 200


def test_part_that_does_not_come_back_is_told(client: docker.DockerClient, plane: Plane) -> None:
    with (
        pytest.raises(GroundError, match="not yet"),
        killed(client, plane.part("capo"), ready=lambda: "not yet", limit_s=3),
    ):
        pass
    until("capo", answers(f"http://{ADDRESS}:{plane.port('capo', 'health')}/readyz"), 30)


def test_frozen_part_takes_connections_and_never_answers(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    before = started(capo)
    with frozen(client, plane.part("capo")):
        with socket.create_connection((ADDRESS, plane.port("capo", "health")), timeout=1):
            pass
        with pytest.raises(TimeoutError):
            health(plane, timeout_s=1)
    with pytest.raises(Planned), frozen(client, plane.part("capo")):
        raise Planned
    assert health(plane) == 200
    assert started(capo) == before, "it did not begin anew"


def throttled(container: Container) -> int:
    """How many periods the kernel has cut short."""
    answer = container.stats(stream=False)
    assert isinstance(answer, dict)
    return int(answer["cpu_stats"]["throttling_data"]["throttled_periods"])


def test_slowed_part_is_throttled_and_has_its_quota_back(client: docker.DockerClient, plane: Plane) -> None:
    part = plane.part(API_SERVER)
    container = client.containers.get(f"ground-{part}")
    with Api(plane) as api:
        with slowed(client, part, cores=0.2):
            before = throttled(container)
            api.get("/openapi/v2")
            assert throttled(container) > before
        container.reload()
        assert container.attrs["HostConfig"]["CpuQuota"] <= 0
        before = throttled(container)
        api.get("/openapi/v2")
        assert throttled(container) == before


def test_quota_that_was_there_is_there_again(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    capo.update(cpu_period=50_000, cpu_quota=40_000)
    try:
        with slowed(client, plane.part("capo"), cores=0.5):
            capo.reload()
            assert capo.attrs["HostConfig"]["CpuQuota"] == 50_000
        capo.reload()
        found = capo.attrs["HostConfig"]
        assert (found["CpuPeriod"], found["CpuQuota"]) == (50_000, 40_000)
    finally:
        heal(client)
    capo.reload()
    assert capo.attrs["HostConfig"]["CpuQuota"] <= 0


def test_heal_unfreezes_what_a_killed_test_left(
    client: docker.DockerClient, plane: Plane, capo: Container
) -> None:
    capo.pause()
    heal(client)
    assert health(plane) == 200


def test_part_that_is_not_there_is_told(client: docker.DockerClient) -> None:
    with pytest.raises(GroundError, match="no such part"), stopped(client, "no-such-part"):
        pass


# --- machines


@dataclass(frozen=True)
class Machine:
    """A server of our own, and a look inside that needs no network."""

    id: str
    address: str
    container: Container

    def sh(self, script: str) -> str:
        done = self.run(script)
        assert done.returncode == 0, f"{script}: {done.returncode} {done.stdout}"
        return done.stdout.strip()

    def fails(self, script: str) -> str:
        done = self.run(script)
        assert done.returncode != 0, f"{script}: {done.stdout}"
        return done.stdout

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Not by `docker exec`, which now and then loses what a short program says (moby issue 27289)."""
        self.container.reload()
        enter = [
            "nsenter",
            "--target",
            str(self.container.attrs["State"]["Pid"]),
            "--mount",
            "--net",
            "--pid",
        ]
        return subprocess.run(
            [*enter, "sh", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def lets_in(self, limit_s: float = 60) -> None:
        until(f"sshd of {self.address}", parts.port_open(self.address, 22), limit_s, every_s=0.2)

    @property
    def network(self) -> str:
        """Its addresses and routes."""
        return self.sh("ip -oneline -4 address; ip route")

    @property
    def carrier(self) -> str:
        return self.sh("cat /sys/class/net/eth0/carrier")


@pytest.fixture(scope="module")
def cloud(ground: Folders) -> Iterator[Connection]:
    with ground_cloud.connect(ground) as connection:
        yield connection


@pytest.fixture(scope="module")
def machine(client: docker.DockerClient, cloud: Connection) -> Iterator[Machine]:
    images = sorted(
        (i for i in cloud.image.images() if IMAGE.match(i.name) and i.properties.get("docker_image")),
        key=lambda i: i.name,
    )
    assert images, "no machine image is registered"
    network = cloud.network.create_network(name=NAME)
    with contextlib.ExitStack() as last:
        last.callback(cloud.network.delete_network, network)
        cloud.network.create_subnet(name=NAME, network_id=network.id, cidr=cluster_cidr(180), ip_version=4)
        port = cloud.network.create_port(name=NAME, network_id=network.id)
        last.callback(cloud.network.delete_port, port)
        server = cloud.compute.create_server(
            name=NAME,
            image_id=images[-1].id,
            flavor_id=cloud.compute.find_flavor("m1.worker").id,
            networks=[{"port": port.id}],
            config_drive=True,
        )
        last.callback(delete, cloud, server.id)
        cloud.compute.wait_for_server(server, interval=0.3, wait=180)
        made = Machine(server.id, str(port.fixed_ips[0]["ip_address"]), find_machine(client, NAME))
        made.lets_in()
        made.sh("systemctl is-system-running --wait || true")
        yield made


def delete(cloud: Connection, server: str) -> None:
    cloud.compute.delete_server(server)
    until(NAME, lambda: "" if cloud.compute.find_server(server) is None else "still there", 60)


def test_machine_cut_off_hears_nobody_and_keeps_addresses_and_routes(
    client: docker.DockerClient, machine: Machine
) -> None:
    before = machine.network
    with cut_off(client, NAME):
        assert parts.port_open(machine.address, 22)(), "the host does not reach it"
        assert "0 received" in machine.fails(f"ping -c 2 -W 1 {CLOUD_ADDRESS} 2>&1; exit 1")
        assert machine.network.replace(" linkdown", "") == before
        assert machine.carrier == "0"
    assert machine.carrier == "1"
    assert machine.network == before
    machine.lets_in(limit_s=5)
    machine.sh(f"ping -c 1 -W 2 {CLOUD_ADDRESS}")


def test_connection_opened_before_the_cut_lives_on(client: docker.DockerClient, machine: Machine) -> None:
    machine.container.exec_run(["socat", "TCP-LISTEN:9000", "EXEC:cat"], detach=True)
    until("socat", lambda: machine.sh("ss -Hltn 'sport = 9000' | grep -q . || echo 'not yet'"), 10, 0.1)
    with socket.create_connection((machine.address, 9000), timeout=10) as connection:
        connection.sendall(b"before")
        assert connection.recv(100) == b"before"
        with cut_off(client, NAME):
            connection.settimeout(1)
            connection.sendall(b"during")
            with pytest.raises(TimeoutError):
                connection.recv(100)
        connection.settimeout(30)
        assert connection.recv(100) == b"during"


def test_cut_ends_after_an_exception(client: docker.DockerClient, machine: Machine) -> None:
    before = machine.network
    with pytest.raises(Planned), cut_off(client, NAME):
        raise Planned
    assert machine.network == before
    machine.lets_in(limit_s=5)


def test_reboot_in_a_cut_ends_it(client: docker.DockerClient, cloud: Connection, machine: Machine) -> None:
    with cut_off(client, NAME):
        reboot(client, cloud, NAME, hard=True)
    machine.lets_in()


@pytest.mark.parametrize("hard", [False, True], ids=["soft", "hard"])
def test_reboot_ends_units_only_when_it_is_soft(
    client: docker.DockerClient, cloud: Connection, machine: Machine, hard: bool
) -> None:
    before = started(machine.container)
    machine.sh("rm -f /var/tmp/ended; touch /var/tmp/stays /run/goes")
    end = "ExecStop=/bin/sh -c 'sleep 1; touch /var/tmp/ended'"
    machine.sh(f'systemd-run --quiet --unit=proof -p "{end}" sleep infinity')
    reboot(client, cloud, NAME, hard=hard)
    machine.lets_in()
    assert started(machine.container) > before
    assert machine.sh("test -e /var/tmp/ended && echo soft || echo hard") == ("hard" if hard else "soft")
    machine.sh("test -e /var/tmp/stays && ! test -e /run/goes")
    assert f" {machine.address}/24" in machine.network
    assert cloud.compute.get_server(machine.id).status == "ACTIVE"


def mounts(machine: Machine) -> str:
    return machine.sh("grep replank-fault /proc/self/mounts; ls /run | grep replank-fault || true")


@pytest.fixture
def directory(machine: Machine) -> Iterator[str]:
    machine.sh(f"mkdir -m 750 {DIRECTORY} && echo old >{DIRECTORY}/old && chown -R backup: {DIRECTORY}")
    yield DIRECTORY
    machine.sh(f"rm -r {DIRECTORY}")


def test_full_disk_takes_nothing_and_goes_without_a_trace(
    client: docker.DockerClient, machine: Machine, directory: str
) -> None:
    look = f"stat -c '%a %U %n %s' {directory} {directory}/*; cat {directory}/old"
    free = statvfs_free()
    nothing = mounts(machine)
    before = machine.sh(look)
    with disk_full(client, NAME, directory, mib=200):
        assert machine.sh(look) == before.replace(f"{directory} 4096", f"{directory} 80"), "same files"
        assert "No space left" in machine.fails(f"cp {directory}/old {directory}/new")
        assert "No space left" in machine.fails(f"head -c 5000 /dev/zero >>{directory}/old")
        assert machine.sh(f"df --output=size,pcent {directory} | tail -1").split() == ["204800", "100%"]
        machine.sh("echo elsewhere >/var/tmp/elsewhere")
    assert free - statvfs_free() < 100 * 2**20, "the host's disk was not filled"
    assert machine.sh(look) == before
    assert mounts(machine) == nothing


def statvfs_free() -> int:
    """Bytes free where Docker keeps containers' files."""
    statistics = os.statvfs(docker.from_env().info()["DockerRootDir"])
    return statistics.f_bavail * statistics.f_frsize


def test_full_disk_gets_room_and_keeps_half_a_file(
    client: docker.DockerClient, machine: Machine, directory: str
) -> None:
    with disk_full(client, NAME, directory, mib=8, free_kib=64) as disk:
        machine.fails(f"head -c 100000 /dev/zero >{directory}/half")
        assert machine.sh(f"stat -c %s {directory}/half") == str(64 * 1024)
        disk.make_room()
        machine.sh(f"head -c 1000000 /dev/zero >{directory}/whole")
        assert machine.sh(f"ls {directory}").split() == ["half", "old", "whole"]
    assert machine.sh(f"ls -A {directory}") == "old"


def test_full_disk_goes_after_an_exception_and_from_under_a_program(
    client: docker.DockerClient, machine: Machine, directory: str
) -> None:
    nothing = mounts(machine)

    def leave_a_program() -> None:
        machine.container.exec_run(["sleep", "30"], workdir=directory, detach=True)
        raise Planned

    with pytest.raises(Planned), disk_full(client, NAME, directory):
        leave_a_program()
    assert mounts(machine) == nothing
    machine.sh(f"echo new >{directory}/new")


def test_directory_that_does_not_fit_is_told_and_left_alone(
    client: docker.DockerClient, machine: Machine, directory: str
) -> None:
    machine.sh(f"head -c 3000000 /dev/zero >{directory}/big")
    with pytest.raises(GroundError, match="No space left"), disk_full(client, NAME, directory, mib=2):
        pass
    machine.sh(f"echo new >{directory}/new")
    with pytest.raises(GroundError, match="test -d"), disk_full(client, NAME, "/no/such/place"):
        pass
    assert "replank-fault" not in mounts(machine)


def test_machine_that_is_not_there_is_told(client: docker.DockerClient, ground: Folders) -> None:
    with pytest.raises(GroundError, match="0 running servers"), cut_off(client, "no-such-machine"):
        pass


# --- OpenStack


@pytest.fixture
def proxy(ground: Folders) -> Iterator[OpenStackProxy]:
    with openstack_proxy(ground) as opened:
        yield opened


@pytest.fixture
def through(proxy: OpenStackProxy) -> Iterator[Connection]:
    config = openstack.config.OpenStackConfig(config_files=[str(proxy.clouds_yaml)], load_envvars=False)
    with Connection(config=config.get_one("ground")) as connection:
        yield connection


def test_every_service_answers_the_same_through_the_proxy(
    cloud: Connection, through: Connection, proxy: OpenStackProxy
) -> None:
    def look(connection: Connection) -> list[list[str]]:
        return [
            [flavor.id for flavor in connection.compute.flavors()],
            [image.id for image in connection.image.images()],
            [network.id for network in connection.network.networks(name="public")],
            [balancer.id for balancer in connection.load_balancer.load_balancers(name="no-such")],
            [project.id for project in connection.identity.user_projects(connection.current_user_id)],
        ]

    assert look(through) == look(cloud)
    answered = {request.service for request in proxy.requests if request.passed_on == 200}
    assert answered == {"identity", "compute", "image", "network", "load-balancer"}
    assert all(request.request_id.startswith("req-") for request in proxy.requests if request.path[-1] == "s")


def test_pages_are_followed_through_the_proxy(through: Connection, proxy: OpenStackProxy) -> None:
    flavors = list(through.compute.flavors(limit=1))
    assert len([request for request in proxy.requests if request.path.endswith("/flavors/detail")]) > 1
    assert len(flavors) > 1


def test_answers_of_rules_reach_the_client(through: Connection, proxy: OpenStackProxy) -> None:
    for status, retry_after_s in ((500, None), (429, 3), (403, None), (409, None)):
        rule = Rule(Answer(status, retry_after_s), "network", times=1)
        proxy.rules.append(rule)
        with pytest.raises(HttpException) as refused:
            list(through.network.networks())
        assert refused.value.status_code == status
        assert rule.hits == 1
        if retry_after_s:
            assert refused.value.response.headers["Retry-After"] == "3"
    assert list(through.network.networks())


def test_client_that_is_told_401_logs_in_anew(through: Connection, proxy: OpenStackProxy) -> None:
    proxy.rules.append(Rule(Answer(401), "network", path="/networks", times=1))
    assert list(through.network.networks())
    logins = [request for request in proxy.requests if request.path == "/v3/auth/tokens"]
    assert len(logins) == 2


def test_lost_answer_leaves_what_was_made(
    through: Connection, cloud: Connection, proxy: OpenStackProxy
) -> None:
    proxy.rules.append(Rule(LoseAnswer(), "network", "POST", r"/security-groups$", times=1))
    with pytest.raises(ConnectFailure):
        through.network.create_security_group(name=NAME)
    (made,) = cloud.network.security_groups(name=NAME)
    cloud.network.delete_security_group(made)


def test_lost_request_leaves_nothing(through: Connection, cloud: Connection, proxy: OpenStackProxy) -> None:
    proxy.rules.append(Rule(CutBefore(), "network", "POST", r"/security-groups$", times=1))
    with pytest.raises(ConnectFailure):
        through.network.create_security_group(name=NAME)
    assert not list(cloud.network.security_groups(name=NAME))


def test_slow_and_hanging_openstack(through: Connection, proxy: OpenStackProxy) -> None:
    list(through.network.networks())
    proxy.rules.append(Rule(Delay(1), "network", times=1))
    began = time.monotonic()
    list(through.network.networks())
    assert time.monotonic() - began >= 1
    proxy.rules.append(Rule(Hang(), "network"))
    with pytest.raises(ConnectTimeout):
        through.network.get("/networks", timeout=1)


def test_machine_reaches_the_proxy(machine: Machine, proxy: OpenStackProxy) -> None:
    asked = f"import urllib.request; print(urllib.request.urlopen('{proxy.auth_url}').status)"
    assert machine.sh(f'python3 -c "{asked}"') == "200"
    assert [request.path for request in proxy.requests] == ["/v3"]


def test_proxy_leaves_no_file(ground: Folders) -> None:
    with openstack_proxy(ground) as opened:
        folder = opened.clouds_yaml.parent
        assert stat.S_IMODE(opened.clouds_yaml.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


def test_cluster_api_goes_through_the_proxy_and_meets_its_faults(plane: Plane, proxy: OpenStackProxy) -> None:
    limited = Rule(Answer(429, retry_after_s=1), "network", path="/networks", times=2)
    proxy.rules.append(limited)
    with Api(plane) as api:
        for document in cluster_that_makes_nothing(proxy.clouds_yaml):
            api.apply(document)
        until(
            "CAPO behind the proxy",
            lambda: (
                ""
                if any(r.path.endswith("/networks") and r.passed_on == 200 for r in proxy.requests)
                else "no"
            ),
            60,
        )
    assert limited.hits == 2
    assert {request.service for request in proxy.requests} >= {"identity", "network"}


def cluster_that_makes_nothing(clouds_yaml: Path) -> list[dict[str, object]]:
    """A cluster whose network is not there: CAPO asks for it again and again."""
    clouds = yaml.safe_load(clouds_yaml.read_text())["clouds"]
    place = {"name": NAME, "namespace": NAME}
    group = "infrastructure.cluster.x-k8s.io"
    secret = {"clouds.yaml": yaml.safe_dump({"clouds": {"openstack": clouds["ground"]}})}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": place, "stringData": secret},
        {
            "apiVersion": f"{group}/v1beta1",
            "kind": "OpenStackCluster",
            "metadata": place,
            "spec": {
                "identityRef": {"name": NAME, "cloudName": "openstack"},
                "network": {"filter": {"name": "no-such-network"}},
                "disableExternalNetwork": True,
                "disableAPIServerFloatingIP": True,
                "apiServerFixedIP": "198.19.180.5",
            },
        },
        {
            "apiVersion": "cluster.x-k8s.io/v1beta2",
            "kind": "Cluster",
            "metadata": place,
            "spec": {"infrastructureRef": {"apiGroup": group, "kind": "OpenStackCluster", "name": NAME}},
        },
    ]
