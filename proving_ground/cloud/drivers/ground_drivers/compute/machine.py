"""How a machine's container runs: what Docker must give it so that systemd, containerd and a kubelet work in
it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import docker

from ground_drivers import docker_host

INSTANCE_LABEL = f"{docker_host.LABEL}.instance"
SERVER_LABEL = f"{docker_host.LABEL}.server"
INIT = "/usr/local/sbin/machine-init"
SEED = "/var/lib/cloud/seed/config_drive"
"""Where cloud-init's data source ConfigDrive looks for a config drive that is a folder."""

VOLUMES = ["/var/lib/containerd", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/etcd", "/var/log/pods"]
"""What cannot lie on overlayfs, or is written much."""

STOP_SIGNAL = "SIGRTMIN+3"
"""systemd(1): starts halt.target."""

STOP_S = 15
PRIVILEGED = os.environ["GROUND_PRIVILEGED"] == "yes"


@dataclass(frozen=True)
class Nic:
    """One address of a machine: Docker network, IPv4 address, MAC address of the port."""

    network: str
    address: str
    mac: str


def name_of(server_id: str) -> str:
    return f"vm-{server_id}"


def home_of(server_id: str) -> Path:
    return docker_host.STATE / "machines" / server_id


def create(server_id: str, image: str, hostname: str, labels: dict[str, str], nics: list[Nic]) -> None:
    """Makes the container, does not start it. Raises docker.errors.APIError."""
    api = docker_host.client().api
    first = nics[0] if nics else None
    api.create_container(
        image,
        command=[INIT],
        name=name_of(server_id),
        hostname=hostname,
        environment={"container": "docker", "GROUND_SERVER_UUID": server_id},
        labels=labels,
        volumes=VOLUMES,
        stop_signal=STOP_SIGNAL,
        mac_address=first.mac if first else None,
        networking_config=(
            api.create_networking_config(
                {first.network: api.create_endpoint_config(ipv4_address=first.address)}
            )
            if first
            else None
        ),
        host_config=_host_config(api, server_id, first),
    )
    for nic in nics[1:]:
        connect(server_id, nic)


def connect(server_id: str, nic: Nic) -> None:
    """One more network. Docker before 25 gives it a MAC address of its own."""
    docker_host.client().networks.get(nic.network).connect(name_of(server_id), ipv4_address=nic.address)


def _host_config(api: docker.APIClient, server_id: str, nic: Nic | None) -> dict[str, object]:
    binds = [f"{home_of(server_id)}/config_drive:{SEED}:ro", f"{docker_host.name_servers()}:/etc/resolv.conf"]
    if os.environ["GROUND_MODULES"] == "yes":
        binds.append("/lib/modules:/lib/modules:ro")
    settings: dict[str, object] = {
        "binds": binds,
        "network_mode": nic.network if nic else "none",
        # Its own cgroup roots: with the host's, kubelets of two machines remove each other's pods.
        "cgroupns": "private",
        "tmpfs": {"/run": "exec", "/tmp": "exec"},
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
    }
    if PRIVILEGED:
        return api.create_host_config(privileged=True, **settings)
    config = api.create_host_config(
        cap_add=["ALL"],
        cap_drop=["SYS_RESOURCE"],  # what this engine itself does not have
        device_cgroup_rules=["a *:* rwm"],
        devices=[f"{device}:{device}:rwm" for device in os.environ["GROUND_DEVICES"].split(":") if device],
        **settings,
    )
    # `--security-opt systempaths=unconfined` of the command line is these two fields of the API.
    config["MaskedPaths"] = []
    config["ReadonlyPaths"] = []
    return config
