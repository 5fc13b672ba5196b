"""Takes the cloud away, with its machines, load balancers, networks, rules and files. Images and caches
stay."""

from __future__ import annotations

import shutil

import docker
from docker.errors import NotFound

from proving_ground.cloud import once
from proving_ground.cloud.layout import layout
from proving_ground.engine.parts import all_containers
from proving_ground.settings import LABEL, Folders

OURS = ("cloud-", "machine-", "load-balancer-")
"""How the names of containers that belong to the cloud begin."""


def down(client: docker.DockerClient, folders: Folders) -> None:
    """Idempotent. What was started by hand on the cloud's networks must be gone before."""
    # Services first, so that none makes anew what is taken away.
    containers = [c for c in all_containers(client) if c.labels[LABEL].startswith(OURS)]
    for container in sorted(containers, key=lambda c: not c.labels[LABEL].startswith("cloud-")):
        try:
            container.remove(force=True, v=True)
        except NotFound:
            continue
    for network in client.networks.list(filters={"label": LABEL}):
        if network.attrs["Labels"][LABEL].startswith("network-"):
            network.remove()
    _remove_rules(client)
    state = layout(folders).state
    if state.exists():
        shutil.rmtree(state)


def _remove_rules(client: docker.DockerClient) -> None:
    """By the same code that made them, in any image of the cloud. Without one no rule was made."""
    images = [image for image in client.images.list(filters={"label": f"{LABEL}=image-cloud"}) if image.tags]
    if images:
        once.run(
            client,
            images[0].tags[0],
            once.Once(
                "cloud-rules",
                ("python", "-m", "ground_drivers.network.rules", "remove"),
                environment={"GROUND_STATE": "/nonexistent", "GROUND_LABEL": LABEL},
                capabilities=("NET_ADMIN", "NET_RAW"),
            ),
        )
