"""The Docker host as the drivers see it: names, folders, networks. Settings come from the environment."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import NotFound
from docker.models.containers import Container

STATE = Path(os.environ["GROUND_STATE"])
"""A folder that has the same path on the host: what stands below it may be mounted into machines."""

LABEL = os.environ["GROUND_LABEL"]
SUBNET_LABEL = f"{LABEL}.subnet"
BRIDGE_PREFIX = "os"
"""Bridges of subnets begin with it; the rules of `network.rules` name them so."""


def client() -> docker.DockerClient:
    """The engine's client of this process; a forked process gets its own."""
    return _client(os.getpid())


@functools.lru_cache(maxsize=2)
def _client(_process: int) -> docker.DockerClient:
    return docker.from_env(timeout=120)


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """One holder at a time over all processes of the cloud."""
    folder = STATE / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find(name: str) -> Container | None:
    """The container of that name, None where there is none."""
    try:
        return client().containers.get(name)
    except NotFound:
        return None


def remove(name: str) -> None:
    """Removes a container with its anonymous volumes; an absent one is no error."""
    with contextlib.suppress(NotFound):
        client().api.remove_container(name, force=True, v=True)


def network_name(subnet_id: str) -> str:
    return f"os-{subnet_id}"


def ensure_network(subnet_id: str, name: str, cidr: str, gateway: str | None) -> str:
    """The Docker network of a Neutron subnet, made at its first use: same CIDR, same gateway (the host is the
    router). Returns its name. Docker refuses a CIDR that overlaps another network's: one subnet each."""
    network = network_name(subnet_id)
    with lock("networks"):
        try:
            client().networks.get(network)
        except NotFound:
            pool = docker.types.IPAMPool(subnet=cidr, gateway=gateway)
            client().networks.create(
                network,
                driver="bridge",
                check_duplicate=True,
                ipam=docker.types.IPAMConfig(pool_configs=[pool]),
                options={
                    # A name of an interface has 15 characters at most (IFNAMSIZ).
                    "com.docker.network.bridge.name": BRIDGE_PREFIX + subnet_id.replace("-", "")[:13],
                    "com.docker.network.driver.mtu": "1500",
                    # Docker's own rule would translate between machine networks too; see `network.rules`.
                    "com.docker.network.bridge.enable_ip_masquerade": "false",
                },
                labels={LABEL: f"network-{name}", SUBNET_LABEL: subnet_id},
            )
    return network


def drop_network(subnet_id: str) -> None:
    """Removes the Docker network of a subnet; an absent one is no error."""
    with lock("networks"), contextlib.suppress(NotFound):
        client().networks.get(network_name(subnet_id)).remove()


def name_servers() -> Path:
    """A resolv.conf with the host's own name servers. Docker's 127.0.0.11 in a machine makes CoreDNS forward
    to itself (its plugin `loop` then ends it)."""
    path = STATE / "resolv.conf"
    if not path.exists():
        lines = Path("/etc/resolv.conf").read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("nameserver 127.")))
    return path
