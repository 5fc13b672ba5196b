"""What this host allows and has, as the drivers must know it; and the bridge whose gateway is the cloud's
address."""

from __future__ import annotations

import os
from pathlib import Path

import docker
from docker.errors import NotFound

from proving_ground.cloud import once
from proving_ground.cloud.layout import Layout
from proving_ground.errors import GroundError
from proving_ground.settings import CLOUD_ADDRESS, CLOUD_CIDR, CLOUD_NETWORK, LABEL

SOCKET = "/var/run/docker.sock"
DEVICES = ("/dev/kmsg", "/dev/fuse", "/dev/net/tun")
MODULES = Path("/lib/modules")


def docker_socket() -> Path:
    """Where the engine's socket is on this host. Raises `GroundError` where the engine is elsewhere."""
    named = os.environ.get("DOCKER_HOST", "")
    if named and not named.startswith("unix://"):
        raise GroundError(
            "cloud",
            f"DOCKER_HOST is {named}",
            "The cloud's bridges and rules need an engine on this machine.",
        )
    return Path(named.removeprefix("unix://") or SOCKET).resolve()


def ensure_network(client: docker.DockerClient) -> None:
    """The bridge network. Docker gives the gateway's address to the bridge, so it is an address of this host,
    and stays so while no container is attached."""
    try:
        client.networks.get(CLOUD_NETWORK)
    except NotFound:
        client.networks.create(
            CLOUD_NETWORK,
            driver="bridge",
            check_duplicate=True,
            ipam=docker.types.IPAMConfig(
                pool_configs=[docker.types.IPAMPool(subnet=CLOUD_CIDR, gateway=CLOUD_ADDRESS)]
            ),
            options={"com.docker.network.bridge.name": CLOUD_NETWORK},
            labels={LABEL: "network-cloud"},
        )


def allows_privileged(client: docker.DockerClient, image: str, place: Layout) -> bool:
    """Whether this engine can start a privileged container: one that lacks a capability itself cannot. Asked
    once."""
    answer = place.state / "privileged"
    if not answer.exists():
        probe = once.Once("cloud-probe-privileged", ["true"], privileged=True)
        answer.write_text("yes" if once.works(client, image, probe) else "no")
    return answer.read_text() == "yes"


def for_drivers(
    client: docker.DockerClient, image: str, load_balancer_image: str, place: Layout
) -> dict[str, str]:
    """The environment that `ground_drivers` reads."""
    return {
        "GROUND_STATE": str(place.state),
        "GROUND_LABEL": LABEL,
        "GROUND_PRIVILEGED": "yes" if allows_privileged(client, image, place) else "no",
        "GROUND_MODULES": "yes" if MODULES.is_dir() else "no",
        "GROUND_DEVICES": ":".join(device for device in DEVICES if Path(device).exists()),
        "GROUND_LOAD_BALANCER_IMAGE": load_balancer_image,
    }
