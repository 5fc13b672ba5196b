"""What a node is, whatever runtime it has: kernel, cgroups, SELinux, kubelet, endpoint, room."""

from __future__ import annotations

import re
from typing import Literal

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.endpoint import runtime_of, socket_of
from replank.inventory.runtime.facts import DiskRoom, DockerUser
from replank.inventory.runtime.listings import parse_cgroup, parse_df, parse_docker_users
from replank.inventory.runtime.versions import Version, parse_version
from replank.transports.hosts.kubelet import KUBESPRAY_ENVIRONMENT, read_kubelet
from replank.transports.hosts.runtime.searching import read_matches
from replank.transports.hosts.session import HostSession

_SELINUX = {"1": "enforcing", "0": "permissive"}


async def read_kernel(session: HostSession) -> str:
    """`6.8.0-79-generic`."""
    return (await session.text(runtime.KERNEL.call())).strip()


async def read_cgroup_version(session: HostSession) -> Literal["v1", "v2"]:
    """As the kernel mounts them."""
    return parse_cgroup(await session.text(runtime.CGROUP.call()))


async def read_selinux(session: HostSession) -> str:
    """A kernel without SELinux has no such file."""
    text = await session.text_if_there(runtime.SELINUX.call(), runtime.SELINUX_FILE)
    if text is None:
        return "disabled"
    return _SELINUX.get(text.strip(), "disabled")


async def read_kubelet_facts(session: HostSession) -> KubeletFacts:
    """Flags and configuration of the kubelet."""
    return await read_kubelet(session, kubespray=await session.exists(KUBESPRAY_ENVIRONMENT))


async def read_kubelet_version(session: HostSession) -> str:
    """`v1.34.4`: of the program that is installed."""
    text = await session.text(runtime.KUBELET_VERSION.call())
    match = re.search(r"v[0-9]+\.[0-9]+\.\S+", text, flags=re.ASCII)
    if match is None:
        raise Refused("RP067", "The kubelet's version was not told", f"{text[:60]!r} names none", _LOOK)
    return match[0]


def version_of(text: str) -> Version:
    """Raises `Refused` RP067."""
    version = parse_version(text)
    if version is None:
        raise Refused("RP067", "A version was not told", f"{text[:60]!r} is none", _LOOK)
    return version


async def read_runtime_name(session: HostSession, endpoint: str) -> tuple[str, str]:
    """docker | containerd | cri-o, and the socket behind a symbolic link.

    Raises `Refused` RP067 where the endpoint tells no runtime.
    """
    socket = socket_of(endpoint)
    if socket and not runtime_of(socket):
        socket = (await session.text(runtime.SOCKET.call(path=socket))).strip()
    name = runtime_of(socket)
    if not name:
        raise Refused(
            "RP067",
            "The container runtime was not told apart",
            f"the kubelet's endpoint is {endpoint[:80]}",
            "Look at `containerRuntimeEndpoint` in the kubelet's configuration.",
        )
    return name, socket


async def read_room(session: HostSession, path: str) -> DiskRoom:
    """The disk that holds `path`."""
    return parse_df(await session.text(runtime.ROOM.call(path=path)))


async def read_docker_users(session: HostSession) -> tuple[DockerUser, ...]:
    """What calls Docker on the host."""
    return parse_docker_users(await read_matches(session, runtime.DOCKER_USERS.call()))


_LOOK = "Look at it on the node."
