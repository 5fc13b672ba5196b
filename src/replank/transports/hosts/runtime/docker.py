"""A node whose kubelet runs its pods by Docker."""

from __future__ import annotations

from posixpath import dirname

from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.command_line import flag_value, parse_flags
from replank.inventory.hosts.kubelet import parse_pid
from replank.inventory.runtime.daemon_json import docker_configuration, parse_daemon_json, parse_dockerd
from replank.inventory.runtime.docker_facts import DockerConfiguration
from replank.inventory.runtime.docker_info import (
    DockerInfo,
    parse_docker_info,
    parse_image_list,
    sandbox_image,
)
from replank.inventory.runtime.facts import ImageInUse, OtherContainer
from replank.inventory.runtime.listings import parse_docker_ps
from replank.inventory.runtime.registry_facts import RegistryCertificates
from replank.transports.hosts.runtime.files import read_listing, read_text
from replank.transports.hosts.session import HostSession


async def read_info(session: HostSession) -> DockerInfo:
    """What dockerd says of itself."""
    return parse_docker_info(await session.text(runtime.DOCKER_INFO.call()))


async def read_configuration(session: HostSession) -> DockerConfiguration | None:
    """daemon.json and dockerd's flags; None where neither is there."""
    command_line = await _command_line(session, runtime.DOCKERD_PID)
    words = [word for word in command_line.decode("utf-8", errors="replace").split("\0") if word]
    path = flag_value(parse_flags(words), "config-file") or runtime.DAEMON_JSON
    text = await read_text(session, path)
    if text is None and not command_line:
        return None
    settings = parse_daemon_json(text, path=path) if text is not None else ()
    return docker_configuration(settings, parse_dockerd(command_line) if command_line else ())


async def read_containers(session: HostSession) -> tuple[tuple[OtherContainer, ...], str]:
    """Containers that no kubelet made, and the image of the running sandboxes ("" without one)."""
    text = await session.text(runtime.DOCKER_CONTAINERS.call())
    return parse_docker_ps(text), sandbox_image(text)


async def read_images(session: HostSession) -> tuple[ImageInUse, ...]:
    """All of Docker's images."""
    return parse_image_list(await session.text(runtime.DOCKER_IMAGES.call(path=runtime.DOCKER_SOCKET)))


async def cri_dockerd_flags(session: HostSession) -> tuple[ExtraArg, ...]:
    """Flags of the cri-dockerd that runs, none without one."""
    command_line = await _command_line(session, runtime.CRI_DOCKERD_PID)
    return parse_flags([w for w in command_line.decode("utf-8", errors="replace").split("\0") if w])


async def read_certificates(session: HostSession) -> tuple[RegistryCertificates, ...]:
    """Docker's certs.d by registry: paths only (docs.docker.com, "Verify repository client")."""
    folder = f"{runtime.DOCKER_DIR}/certs.d"
    paths = [p for p in await read_listing(session, runtime.DOCKER_DIR) if p.startswith(f"{folder}/")]
    registries = sorted({dirname(path) for path in paths})
    return tuple(_certificates(place, [p for p in paths if dirname(p) == place]) for place in registries)


def _certificates(folder: str, paths: list[str]) -> RegistryCertificates:
    keys = {path for path in paths if path.endswith(".key")}
    pairs = [(path, f"{path.removesuffix('.cert')}.key") for path in paths if path.endswith(".cert")]
    return RegistryCertificates(
        registry=folder.rpartition("/")[2],
        path=folder,
        ca=tuple(path for path in paths if path.endswith(".crt")),
        client=tuple((cert, key if key in keys else "") for cert, key in pairs),
    )


async def _command_line(session: HostSession, find: HostCommand) -> bytes:
    pid = parse_pid(await session.text(find.call(), fine=(0, 1)))
    return b"" if pid is None else await session.data(runtime.DAEMON_COMMAND_LINE.call(pid=pid))
