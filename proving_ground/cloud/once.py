"""Commands that run once, in a container of the cloud's image."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import APIError, NotFound

from proving_ground.errors import GroundError
from proving_ground.settings import LABEL


@dataclass(frozen=True, slots=True)
class Once:
    """A command with the host's network. `name` as for a part."""

    name: str
    command: Sequence[str]
    mounts: Mapping[Path, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    privileged: bool = False


def run(client: docker.DockerClient, image: str, once: Once) -> str:
    """Its output. Raises `GroundError` with its last lines where it fails; one that an interrupted run left
    is removed first."""
    container_name = f"ground-{once.name}"
    with contextlib.suppress(NotFound):
        client.containers.get(container_name).remove(force=True, v=True)
    container = client.containers.create(
        image,
        list(once.command),
        name=container_name,
        network_mode="host",
        environment=dict(once.environment),
        volumes=[f"{host}:{inside}" for host, inside in once.mounts.items()],
        cap_add=list(once.capabilities),
        privileged=once.privileged,
        labels={LABEL: once.name},
        init=True,
    )
    try:
        container.start()
        status = int(container.wait(timeout=600)["StatusCode"])
        lines = container.logs(tail=200).decode(errors="replace")
    except APIError as error:
        raise GroundError(
            once.name, f"does not start: {error.explanation}", "Look at Docker's own log."
        ) from error
    finally:
        with contextlib.suppress(NotFound):
            container.remove(force=True, v=True)
    if status:
        raise GroundError(
            once.name,
            f"`{' '.join(once.command)}` ended with {status}",
            "Run the same command again; it goes on from here.",
            lines,
        )
    return lines


def works(client: docker.DockerClient, image: str, once: Once) -> bool:
    """Whether the container can be started and its command succeeds."""
    try:
        run(client, image, once)
    except GroundError:
        return False
    return True
