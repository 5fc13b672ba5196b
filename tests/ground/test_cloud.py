"""The cloud alone: its servers boot, its floating IPs and load balancers forward, its roles hold.

Needs the ground (`make ground-up`); boots real machines.
"""

from __future__ import annotations

import base64
import http.client
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from openstack.connection import Connection
from openstack.exceptions import ForbiddenException, HttpException

import openstack
from proving_ground import cloud as ground_cloud
from proving_ground.settings import LABEL, Folders, cluster_cidr, folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(300)]

NAME = "cloud-test"
FIRST, SECOND = cluster_cidr(190), cluster_cidr(191)
IMAGE = re.compile(r"debian-12-kube-")
USER_DATA = """## template: jinja
#cloud-config
write_files:
- path: /etc/proof
  content: "{{ local_hostname }} {{ instance_id }}"
runcmd:
- [touch, /root/ran]
"""
SERVE = (
    "sudo systemd-run --quiet --unit=web --working-directory=/etc python3 -m http.server 8080"
    " && for i in $(seq 50); do python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8080))'"
    " 2>/dev/null && exit 0; sleep 0.2; done; exit 1"
)


@dataclass
class Machine:
    """A server that can be logged in to."""

    id: str
    name: str
    address: str
    port: str
    key: Path

    def ssh(self, command: str, address: str = "", limit_s: float = 60) -> str:
        """Output of a command, retried until the machine lets us in."""
        options = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "LogLevel=ERROR",
        ]
        options += ["-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "-i", str(self.key)]
        deadline = time.monotonic() + limit_s
        while True:
            done = subprocess.run(
                ["ssh", *options, f"debian@{address or self.address}", command],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 255 or time.monotonic() > deadline:
                assert done.returncode == 0, f"{command}: {done.returncode} {done.stdout} {done.stderr}"
                return done.stdout.strip()
            time.sleep(0.2)


class Site:
    """A network with a subnet and a router, and servers on it; everything goes at the end."""

    def __init__(self, cloud: Connection, cidr: str, name: str, key: Path, image: str) -> None:
        self.cloud, self.name, self.key, self.image = cloud, name, key, image
        self.machines: list[Machine] = []
        self.network = cloud.network.create_network(name=name)
        self.subnet = cloud.network.create_subnet(
            name=name, network_id=self.network.id, cidr=cidr, ip_version=4
        )

    def boot(self, *names: str) -> list[Machine]:
        """Servers, begun side by side."""
        network = self.cloud.network
        begun = []
        for name in names:
            port = network.create_port(name=name, network_id=self.network.id)
            server = self.cloud.compute.create_server(
                name=name,
                image_id=self.image,
                flavor_id=self.cloud.compute.find_flavor("m1.worker").id,
                networks=[{"port": port.id}],
                key_name=NAME,
                config_drive=True,
                user_data=base64.b64encode(USER_DATA.encode()).decode(),
            )
            begun.append(
                Machine(server.id, name, str(port.fixed_ips[0]["ip_address"]), str(port.id), self.key)
            )
        for machine in begun:
            self.cloud.compute.wait_for_server(
                self.cloud.compute.get_server(machine.id), interval=0.3, wait=180
            )
        self.machines += begun
        return begun

    def clear(self) -> None:
        for machine in self.machines:
            self.cloud.compute.delete_server(machine.id, ignore_missing=True)
        for machine in self.machines:
            await_true(lambda i=machine.id: self.cloud.compute.find_server(i) is None, "the server goes")
            self.cloud.network.delete_port(machine.port)
        self.cloud.network.delete_network(self.network)


def await_true(ask: Callable[[], object], what: str, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not ask():
        assert time.monotonic() < deadline, f"not within {limit_s:.0f} s: {what}"
        time.sleep(0.3)


def get(address: str, port: int, path: str = "/proof") -> str:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def place() -> Folders:
    found = folders()
    if not found.clouds_yaml.exists():
        pytest.fail("the ground is not up: run `make ground-up`")
    return found


@pytest.fixture(scope="module")
def cloud(place: Folders) -> Iterator[Connection]:
    with ground_cloud.connect(place) as connection:
        yield connection


@pytest.fixture(scope="module")
def engine() -> docker.DockerClient:
    return docker.from_env()


@pytest.fixture(scope="module")
def image(cloud: Connection) -> str:
    found = sorted(
        i.name for i in cloud.image.images() if IMAGE.match(i.name) and i.properties.get("docker_image")
    )
    assert found, "no machine image is registered"
    return str(cloud.image.find_image(found[-1]).id)


@pytest.fixture(scope="module")
def key(cloud: Connection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("ssh") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    cloud.compute.delete_keypair(NAME, ignore_missing=True)
    cloud.compute.create_keypair(name=NAME, public_key=path.with_suffix(".pub").read_text())
    yield path
    cloud.compute.delete_keypair(NAME)


@pytest.fixture(scope="module")
def site(cloud: Connection, key: Path, image: str) -> Iterator[Site]:
    made = Site(cloud, FIRST, NAME, key, image)
    public = cloud.network.find_network("public")
    router = cloud.network.create_router(name=NAME, external_gateway_info={"network_id": public.id})
    cloud.network.add_interface_to_router(router, subnet=made.subnet.id)
    yield made
    cloud.network.remove_interface_from_router(router, subnet=made.subnet.id)
    cloud.network.delete_router(router)
    made.clear()


@pytest.fixture(scope="module")
def machines(site: Site) -> list[Machine]:
    return site.boot(f"{NAME}-0", f"{NAME}-1")


def test_server_boots_lets_us_in_and_runs_its_user_data(machines: list[Machine]) -> None:
    for machine in machines:
        machine.ssh("cloud-init status --wait >/dev/null; sudo test -e /root/ran")
        assert machine.ssh("cat /etc/proof") == f"{machine.name} {machine.id}"
        assert machine.ssh("hostname") == machine.name


def test_server_has_the_address_and_mac_of_its_port(cloud: Connection, machines: list[Machine]) -> None:
    for machine in machines:
        port = cloud.network.get_port(machine.port)
        assert port.status == "ACTIVE"
        shown = machine.ssh("ip -brief link show eth0; ip -brief addr show eth0")
        assert port.mac_address in shown
        assert f" {machine.address}/24" in shown


def test_server_is_found_by_name_and_its_port_by_device(cloud: Connection, machines: list[Machine]) -> None:
    first = machines[0]
    assert [s.id for s in cloud.compute.servers(name=f"^{first.name}$")] == [first.id]
    assert [p.id for p in cloud.network.ports(device_id=first.id)] == [first.port]
    assert [p.id for p in cloud.network.ports(name=first.name)] == [first.port]


def test_server_knows_its_own_uuid(engine: docker.DockerClient, machines: list[Machine]) -> None:
    container = engine.containers.get(f"vm-{machines[0].id}")
    assert f"GROUND_SERVER_UUID={machines[0].id}" in container.attrs["Config"]["Env"]
    assert container.labels[LABEL] == f"machine-{machines[0].name}"


def test_server_reaches_the_apis(machines: list[Machine], place: Folders) -> None:
    url = openstack.config.OpenStackConfig(config_files=[str(place.clouds_yaml)], load_envvars=False).get_one(
        "ground"
    )
    asked = f"import urllib.request; print(urllib.request.urlopen('{url.auth['auth_url']}').status)"
    assert machines[0].ssh(f'python3 -c "{asked}"') == "200"


def test_metadata_of_a_server_is_kept_and_changed(cloud: Connection, machines: list[Machine]) -> None:
    server = cloud.compute.get_server(machines[0].id)
    cloud.compute.set_server_metadata(server, owner="me", old="yes")
    cloud.compute.delete_server_metadata(server, ["old"])
    assert cloud.compute.get_server(machines[0].id).metadata == {"owner": "me"}


def test_console_shows_what_cloud_init_wrote(cloud: Connection, machines: list[Machine]) -> None:
    await_true(
        lambda: "Cloud-init" in cloud.compute.get_server_console_output(machines[0].id)["output"],
        "the console shows cloud-init's output",
    )


def test_stopped_server_comes_back(cloud: Connection, machines: list[Machine]) -> None:
    machine = machines[1]
    cloud.compute.stop_server(machine.id)
    cloud.compute.wait_for_server(
        cloud.compute.get_server(machine.id), status="SHUTOFF", interval=0.3, wait=60
    )
    cloud.compute.start_server(machine.id)
    cloud.compute.wait_for_server(cloud.compute.get_server(machine.id), interval=0.3, wait=60)
    assert machine.ssh("cat /etc/proof") == f"{machine.name} {machine.id}"


def test_floating_ip_reaches_a_machine_from_the_host(cloud: Connection, machines: list[Machine]) -> None:
    public = cloud.network.find_network("public")
    floating = cloud.network.create_ip(floating_network_id=public.id, port_id=machines[0].port)
    try:
        assert cloud.network.get_ip(floating.id).status == "ACTIVE"
        assert machines[0].ssh("hostname", address=floating.floating_ip_address) == machines[0].name
        seen = machines[0].ssh(f"curl -sm5 telnet://{floating.floating_ip_address}:22 </dev/null | head -c 4")
        assert seen == "SSH-", "a machine reaches itself through its floating IP"
    finally:
        cloud.network.delete_ip(floating)


def test_load_balancer_forwards_and_sees_a_dead_member(
    cloud: Connection, site: Site, machines: list[Machine]
) -> None:
    for machine in machines:
        machine.ssh(SERVE)
    balancer = cloud.load_balancer

    def active() -> None:
        balancer.wait_for_load_balancer(made.id, status="ACTIVE", failures=["ERROR"], interval=0.2, wait=60)

    made = balancer.create_load_balancer(name=NAME, vip_subnet_id=site.subnet.id)
    try:
        active()
        listener = balancer.create_listener(
            name=NAME, load_balancer_id=made.id, protocol="TCP", protocol_port=80
        )
        active()
        pool = balancer.create_pool(
            name=NAME, listener_id=listener.id, protocol="TCP", lb_algorithm="ROUND_ROBIN"
        )
        active()
        balancer.create_health_monitor(pool_id=pool.id, type="TCP", delay=2, timeout=2, max_retries=1)
        active()
        for machine in machines:
            balancer.create_member(
                pool, name=machine.name, address=machine.address, protocol_port=8080, subnet_id=site.subnet.id
            )
            active()
        seen = {get(made.vip_address, 80).split()[0] for _ in range(8)}
        assert seen == {machine.name for machine in machines}

        def statuses() -> dict[str, str]:
            return {member.name: member.operating_status for member in balancer.members(pool)}

        await_true(lambda: set(statuses().values()) == {"ONLINE"}, "both members are ONLINE")
        machines[1].ssh("sudo systemctl stop web")
        await_true(lambda: statuses()[machines[1].name] == "ERROR", "the dead member is in ERROR")
        assert statuses()[machines[0].name] == "ONLINE"
        assert {get(made.vip_address, 80).split()[0] for _ in range(6)} == {machines[0].name}
    finally:
        active()
        balancer.delete_load_balancer(made, cascade=True)
        await_true(lambda: not list(balancer.load_balancers(id=made.id)), "the load balancer goes")


def test_load_balancer_in_the_middle_of_a_change_says_409(cloud: Connection, site: Site) -> None:
    balancer = cloud.load_balancer
    made = balancer.create_load_balancer(name=f"{NAME}-busy", vip_subnet_id=site.subnet.id)
    try:
        with pytest.raises(HttpException) as refused:
            balancer.create_listener(load_balancer_id=made.id, protocol="TCP", protocol_port=80)
        assert refused.value.status_code == 409
    finally:
        balancer.wait_for_load_balancer(made.id, status="ACTIVE", interval=0.2, wait=60)
        balancer.delete_load_balancer(made, cascade=True)
        await_true(lambda: not list(balancer.load_balancers(id=made.id)), "the load balancer goes")


def test_subnets_joined_by_a_router_reach_each_other(
    cloud: Connection, site: Site, machines: list[Machine], key: Path, image: str
) -> None:
    other = Site(cloud, SECOND, f"{NAME}-other", key, image)
    router = cloud.network.find_router(NAME)
    cloud.network.add_interface_to_router(router, subnet=other.subnet.id)
    try:
        (machine,) = other.boot(f"{NAME}-other")
        machine.ssh(SERVE)
        asked = f"curl -sm5 http://{machine.address}:8080/proof"
        assert machines[0].ssh(asked).split()[0] == machine.name
        log = machine.ssh("sudo journalctl --unit web --no-pager --output cat")
        assert machines[0].address in log, "the source address is kept: no NAT between subnets"
    finally:
        cloud.network.remove_interface_from_router(router, subnet=other.subnet.id)
        other.clear()


def test_reader_credential_looks_and_may_not_write(cloud: Connection, site: Site, place: Folders) -> None:
    identity = cloud.identity
    user = cloud.current_user_id
    made = identity.create_application_credential(user, f"{NAME}-reader", roles=[{"name": "reader"}])
    try:
        config = openstack.config.OpenStackConfig(
            config_files=[str(place.clouds_yaml)], load_envvars=False
        ).get_one("ground")
        reader = openstack.connect(
            load_envvars=False,
            load_yaml_config=False,
            auth_type="v3applicationcredential",
            auth={
                "auth_url": config.auth["auth_url"],
                "application_credential_id": made.id,
                "application_credential_secret": made.secret,
            },
            region_name="RegionOne",
        )
        _looks_and_may_not_write(reader, site)
    finally:
        identity.delete_application_credential(user, made)


def test_reader_user_looks_and_may_not_write(site: Site, place: Folders) -> None:
    with ground_cloud.connect(place, "ground-reader") as reader:
        _looks_and_may_not_write(reader, site)


def _looks_and_may_not_write(reader: Connection, site: Site) -> None:
    assert site.network.id in {network.id for network in reader.network.networks()}
    list(reader.compute.servers())
    list(reader.load_balancer.load_balancers())
    with pytest.raises(ForbiddenException):
        reader.network.create_network(name="no")
    with pytest.raises(ForbiddenException):
        reader.compute.create_server_group(name="no", policy="affinity")
    with pytest.raises(ForbiddenException):
        reader.load_balancer.create_load_balancer(name="no", vip_subnet_id=site.subnet.id)


def test_deleted_server_leaves_nothing(
    cloud: Connection, engine: docker.DockerClient, key: Path, image: str
) -> None:
    volumes = {volume.id for volume in engine.volumes.list()}
    site = Site(cloud, SECOND, f"{NAME}-gone", key, image)
    (machine,) = site.boot(f"{NAME}-gone")
    assert engine.containers.get(f"vm-{machine.id}").status == "running"
    mounted = engine.containers.get(f"vm-{machine.id}").attrs["Mounts"]
    site.clear()
    assert not [c for c in engine.containers.list(all=True) if c.name == f"vm-{machine.id}"]
    assert not [n for n in engine.networks.list() if n.name == f"os-{site.subnet.id}"]
    left = {volume.id for volume in engine.volumes.list()} - volumes
    assert not left & {mount.get("Name") for mount in mounted}
    assert not (folders().state / "cloud" / "machines" / machine.id).exists()
