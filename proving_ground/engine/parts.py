"""Parts: long-running programs of the ground, each in a container of its own with the host's network."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from proving_ground.errors import GroundError
from proving_ground.settings import LABEL

_HASH = f"{LABEL}.hash"

Ready = Callable[[], str]
"""Asks whether the part serves. "" = yes, else what was seen instead."""


@dataclass(frozen=True, slots=True)
class Part:
    """One program. `mounts`: host path -> path in the container, the same on both sides where a program hands
    paths to Docker. `inputs`: what else a change of must restart it (the text of its configuration)."""

    name: str
    image: str
    command: Sequence[str]
    ready: Ready = field(default=lambda: "", compare=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    capabilities: Sequence[str] = ()
    inputs: Sequence[str] = ()
    limit_s: float = 120.0
    stop_signal: str = "SIGTERM"
    user: str = ""

    @property
    def container(self) -> str:
        return f"ground-{self.name}"

    @property
    def digest(self) -> str:
        """What a running container was started from."""
        content = [
            self.image,
            list(self.command),
            sorted(self.environment.items()),
            sorted((str(k), v) for k, v in self.mounts.items()),
            list(self.capabilities),
            list(self.inputs),
            self.stop_signal,
            self.user,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def start(client: docker.DockerClient, part: Part) -> None:
    """Makes the part run as described; a container that already does is left alone. Does not wait."""
    try:
        image = client.images.get(part.image).id
    except NotFound as error:
        raise GroundError(part.name, f"image {part.image} is missing", "Run `make ground-up`.") from error
    digest = f"{part.digest}:{image}"
    there = _find(client, part)
    if there is not None:
        if there.labels.get(_HASH) == digest:
            if there.status != "running":
                there.start()
            return
        there.remove(force=True, v=True)
    client.containers.run(
        part.image,
        list(part.command),
        name=part.container,
        detach=True,
        network_mode="host",
        environment=dict(part.environment),
        volumes=[f"{host}:{inside}" for host, inside in part.mounts.items()],
        cap_add=list(part.capabilities),
        stop_signal=part.stop_signal,
        user=part.user or None,
        labels={LABEL: part.name, _HASH: digest},
        init=True,
    )


def wait(client: docker.DockerClient, part: Part) -> None:
    """Until the part serves. Raises `GroundError` with its last lines when it ended or took too long."""
    deadline = time.monotonic() + part.limit_s
    while True:
        seen = part.ready()
        if not seen:
            return
        container = _find(client, part)
        if container is None or container.status in ("exited", "dead"):
            status = (
                "is not there" if container is None else f"ended with {container.attrs['State']['ExitCode']}"
            )
            raise GroundError(part.name, f"{status}: {seen}", _todo(part), last_lines(client, part.container))
        if time.monotonic() > deadline:
            raise GroundError(
                part.name,
                f"does not serve after {part.limit_s:.0f} s: {seen}",
                _todo(part),
                last_lines(client, part.container),
            )
        time.sleep(0.2)


def start_and_wait(client: docker.DockerClient, parts: Sequence[Part]) -> None:
    """Starts all, then waits for all: they come up side by side."""
    for part in parts:
        start(client, part)
    for part in parts:
        wait(client, part)


def remove(client: docker.DockerClient, names: Sequence[str]) -> None:
    """Removes the parts' containers with their anonymous volumes; absent ones are no error."""
    for name in names:
        try:
            client.containers.get(f"ground-{name}").remove(force=True, v=True)
        except NotFound:
            continue


def all_containers(client: docker.DockerClient) -> list[Container]:
    """Every container of the ground: parts, machines, load balancers."""
    return client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)


def last_lines(client: docker.DockerClient, container: str, count: int = 25) -> str:
    """The end of a container's output, "" where it is gone."""
    try:
        return client.containers.get(container).logs(tail=count).decode(errors="replace")
    except (NotFound, APIError):
        return ""


def save_logs(client: docker.DockerClient, folder: Path) -> None:
    """Writes every container's output into one folder, a file a part."""
    folder.mkdir(parents=True, exist_ok=True)
    for container in all_containers(client):
        name = container.labels.get(LABEL) or container.name
        (folder / f"{name}.log").write_bytes(container.logs(tail=20000))


def memory(client: docker.DockerClient) -> dict[str, int]:
    """Part -> bytes in use now, without page cache that can be dropped."""
    used = {}
    for container in client.containers.list(filters={"label": LABEL}, ignore_removed=True):
        try:
            answer = client.api.stats(str(container.id), stream=False, one_shot=True)
        except (NotFound, ValueError):  # ValueError: removed while it was asked, the answer is empty
            continue
        assert isinstance(answer, dict), "docker-py: a dict unless it streams"
        figures = answer.get("memory_stats", {})
        detail = figures.get("stats", {})
        cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
        used[container.labels[LABEL]] = max(0, figures.get("usage", 0) - cache)
    return dict(sorted(used.items()))


def port_open(address: str, port: int) -> Ready:
    """Ready when something accepts connections."""

    def ask() -> str:
        try:
            with socket.create_connection((address, port), timeout=2):
                return ""
        except OSError as error:
            return f"{address}:{port}: {error}"

    return ask


def answers(url: str, status: int = 200, ca: Path | None = None) -> Ready:
    """Ready when a GET of `url` answers with `status`. `ca`: what an https URL is checked with."""

    def ask() -> str:
        parsed = urlsplit(url)
        connection: http.client.HTTPConnection
        try:
            if parsed.scheme == "https":
                context = ssl.create_default_context(cafile=str(ca) if ca else None)
                connection = http.client.HTTPSConnection(parsed.netloc, timeout=5, context=context)
            else:
                connection = http.client.HTTPConnection(parsed.netloc, timeout=5)
            try:
                connection.request("GET", parsed.path or "/")
                got = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            return f"GET {url}: {error}"
        return "" if got == status else f"GET {url}: status {got}"

    return ask


def _find(client: docker.DockerClient, part: Part) -> Container | None:
    try:
        return client.containers.get(part.container)
    except NotFound:
        return None


def _todo(part: Part) -> str:
    return f"Read all of it: docker logs {part.container}. Run the same command again to go on from here."
