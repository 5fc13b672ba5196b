"""Takes the ground down: nothing of it is left but the cache."""

from __future__ import annotations

import shutil

import docker
from docker.errors import APIError

from proving_ground import cloud, host
from proving_ground.engine import docker_engine, parts
from proving_ground.errors import GroundError
from proving_ground.progress import Progress
from proving_ground.settings import LABEL, Folders


def down(folders: Folders, progress: Progress) -> None:
    """Removes every container, network, rule, mount and process of the ground, then its state folder."""
    if docker_engine.answers():
        client = docker_engine.connect()
        with progress.step("containers"):
            for container in parts.all_containers(client):
                container.remove(force=True, v=True)
        with progress.step("cloud's rules and networks"):
            cloud.down(client, folders)
            _remove_networks(client)
        client.close()
    with progress.step("Docker Engine"):
        docker_engine.stop(folders)
    host.restore_limits(folders)
    if folders.state.exists():
        shutil.rmtree(folders.state)


def _remove_networks(client: docker.DockerClient) -> None:
    for network in client.networks.list(filters={"label": LABEL}):
        try:
            network.remove()
        except APIError as error:
            raise GroundError(
                f"network {network.name}", f"cannot be removed: {error.explanation}", "Run ground-down again."
            ) from error
