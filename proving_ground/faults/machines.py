"""Faults of machines, by the name of their server: off the network, and rebooted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.models.containers import Container
from openstack.connection import Connection

from proving_ground.errors import GroundError
from proving_ground.scenario.waiting import until
from proving_ground.settings import LABEL

_SERVER_LABEL = f"{LABEL}.server"
"""The server's ID, set by the compute driver."""

_DEVICES = Path("/sys/class/net")


def find_machine(client: docker.DockerClient, name: str) -> Container:
    """The container of a running server. Raises `GroundError` where there is none, or more than one: names of
    servers are not unique in OpenStack."""
    found = client.containers.list(filters={"label": [f"{LABEL}=machine-{name}", _SERVER_LABEL]})
    if len(found) != 1:
        raise GroundError(
            f"machine {name}", f"{len(found)} running servers of that name", "Give one that is unique."
        )
    return found[0]


@contextmanager
def cut_off(client: docker.DockerClient, name: str) -> Iterator[None]:
    """The machine reaches nobody, and nobody reaches it; as if its cables were pulled.

    The host's ends of its NICs go down. The machine sees that its carrier is lost and keeps addresses, routes
    and open connections; a rule inside it that drops packets would tell programs "not permitted" instead of
    keeping silent. `docker exec` still gets in. A reboot of the machine ends the fault: it gets new NICs.
    """
    container = find_machine(client, name)
    ends = _host_ends(container)
    try:
        for end in ends:
            _ip("link", "set", "dev", end, "down")
        yield
    finally:
        for end in ends:
            if (_DEVICES / end).exists():
                _ip("link", "set", "dev", end, "up")
        until(f"machine {name}", lambda: _no_carrier(ends), limit_s=10, every_s=0.05)


def reboot(
    client: docker.DockerClient, cloud: Connection, name: str, *, hard: bool = False, limit_s: float = 90
) -> None:
    """Nova reboots the server; returns once it is ACTIVE and its init has begun anew.

    Soft: systemd ends its units first. Hard: it gets no time for that. `cloud`: of the server's project.
    Raises `GroundError` after `limit_s` seconds.
    """
    container = find_machine(client, name)
    before = container.attrs["State"]["StartedAt"]
    server = container.labels[_SERVER_LABEL]

    def unfinished() -> str:
        container.reload()
        if container.attrs["State"]["StartedAt"] == before or container.status != "running":
            return f"not started anew, {container.status}"
        status = cloud.compute.get_server(server).status
        return "" if status == "ACTIVE" else f"its server is {status}"

    cloud.compute.reboot_server(server, "HARD" if hard else "SOFT")
    until(f"machine {name}", unfinished, limit_s, every_s=0.3)


def _host_ends(container: Container) -> list[str]:
    """The host's devices at the other ends of the machine's NICs.

    Docker's NICs only: a machine also holds the ends of its pods' devices, whose numbers mean nothing here.
    """
    networks = container.attrs["NetworkSettings"]["Networks"].values()
    addresses = {network["MacAddress"].lower() for network in networks}
    inside = Path(f"/proc/{container.attrs['State']['Pid']}/root/sys/class/net")
    peers = {
        int((nic / "iflink").read_text())
        for nic in inside.iterdir()
        if (nic / "address").read_text().strip() in addresses
    }
    # Ports of a bridge only, which the ends of Docker's NICs are.
    ends = [
        device.name
        for device in _DEVICES.iterdir()
        if (device / "brport").exists() and int((device / "ifindex").read_text()) in peers
    ]
    if len(ends) != len(addresses) or not ends:
        raise GroundError(
            str(container.name),
            f"{len(addresses)} NICs, {len(ends)} of their ends found on the host",
            "Run on the host of Docker Engine, in its network namespace.",
        )
    return sorted(ends)


def _no_carrier(ends: list[str]) -> str:
    down = []
    for end in ends:
        state = _DEVICES / end / "operstate"
        if state.exists() and state.read_text().strip() != "up":
            down.append(end)
    return f"{', '.join(down)} not up" if down else ""


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GroundError(
            "host",
            f"ip {' '.join(arguments)}: {done.stderr.strip()}",
            "Run as root, with iproute2 installed.",
        )
