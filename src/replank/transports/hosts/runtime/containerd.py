"""A node's containerd: processes, configuration, images, and containers of others."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from posixpath import dirname

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.config_dump import parse_dump
from replank.inventory.runtime.containerd_config import imported, parse_file
from replank.inventory.runtime.containerd_facts import (
    ContainerdConfiguration,
    ContainerdFile,
    ContainerdInForce,
)
from replank.inventory.runtime.containerd_process import ContainerdProcess, parse_containerd
from replank.inventory.runtime.ctr_output import (
    parse_ctr_containers,
    parse_ctr_images,
    parse_ctr_version,
    parse_deprecations,
    parse_namespaces,
)
from replank.inventory.runtime.facts import ImageInUse, OtherContainer
from replank.inventory.runtime.hosts_toml import parse_hosts
from replank.inventory.runtime.listings import parse_crictl_images
from replank.inventory.runtime.registry_facts import RegistryHosts
from replank.transports.hosts.runtime.files import read_listing, read_text, sha256
from replank.transports.hosts.seeing import fact
from replank.transports.hosts.session import HostSession

_KUBELETS = "k8s.io"
_MOST_FILES = 64


async def read_processes(session: HostSession) -> tuple[ContainerdProcess, ...]:
    """The containerds that run. pgrep ends with 1 where none does."""
    pids = (await session.text(runtime.CONTAINERD_PIDS.call(), fine=(0, 1))).split()
    lines = await asyncio.gather(
        *(session.output(runtime.DAEMON_COMMAND_LINE.call(pid=pid)) for pid in pids if pid.isdecimal())
    )
    # A process that ended meanwhile leaves no command line.
    return tuple(
        parse_containerd(pid, output.data) for pid, output in zip(pids, lines, strict=True) if output.data
    )


async def read_version(session: HostSession, socket: str) -> str:
    """Of the daemon that answers, whatever is installed."""
    return parse_ctr_version(await session.text(runtime.CTR_VERSION.call(path=socket)))


async def read_configuration(
    session: HostSession, process: ContainerdProcess | None
) -> ContainerdConfiguration | None:
    """Files and what is in force. `process` None: no containerd of the system runs; None where there is no
    file either."""
    path = process.config if process is not None else runtime.CONFIG_TOML
    files = await _files(session, path)
    if process is None and not files:
        return None
    dump = (
        Unknown("containerd does not run, so it cannot say what is in force", "RP067")
        if process is None
        else await fact(_dump(session, process))
    )
    return ContainerdConfiguration(path=path, files=files, dump=dump)


async def _dump(session: HostSession, process: ContainerdProcess) -> ContainerdInForce:
    """By the very program that runs: another one would merge in its own way.

    What it says of a file that it cannot read may quote a line of it, and so a login: that is left out.
    """
    call = runtime.CONFIG_DUMP.call(containerd=process.program, path=process.config)
    output = await session.output(call)
    if output.status != 0:
        raise session.failed(call, replace(output, why=""))
    return parse_dump(output.text)


async def _files(session: HostSession, path: str) -> tuple[ContainerdFile, ...]:
    """The file and its imports, in the order of loading; what is missing is left out.

    Imports of an imported file are followed, too (containerd, LoadConfig).
    """
    pending, found = [path], dict[str, ContainerdFile]()
    while pending:
        here = pending.pop(0)
        text = await read_text(session, here) if here not in found else None
        if text is None:
            continue
        if len(found) == _MOST_FILES:
            raise Refused("RP067", "containerd's files were not read", "there are too many imports", "Look.")
        file = parse_file(text, path=here, sha256=sha256(text))
        # A password could be guessed by the hash of the file that holds it.
        found[here] = replace(file, sha256="") if file.secret else file
        listings = [await read_listing(session, folder) for folder in _folders(file)]
        pending += imported(file, [entry for listing in listings for entry in listing])
    return tuple(found.values())


def _folders(file: ContainerdFile) -> tuple[str, ...]:
    """The folders that patterns among the imports look into."""
    patterns = [entry for entry in file.imports if "*" in entry]
    starts = [entry.partition("*")[0] for entry in patterns]
    absolute = [start if start.startswith("/") else f"{dirname(file.path)}/{start}" for start in starts]
    return tuple(sorted({dirname(start) for start in absolute}))


async def read_hosts(session: HostSession, folders: tuple[str, ...]) -> tuple[RegistryHosts, ...]:
    """All hosts.toml, in force or not; the usual folder is looked into in any case."""
    found = []
    for folder in sorted({runtime.CERTS_DIR, *folders}):
        for path in await read_listing(session, folder):
            if path.endswith("/hosts.toml"):
                text = await read_text(session, path)
                found += [parse_hosts(text, path=path)] if text is not None else []
    return tuple(found)


async def read_images(session: HostSession, socket: str) -> tuple[ImageInUse, ...]:
    """By crictl, which knows sizes and pins; by ctr where it is not there or does not answer."""
    # A missing program and one that sudo does not grant both end with 1 below sudo.
    crictl = await fact(session.text(runtime.CRICTL_IMAGES.call(path=socket)))
    if not isinstance(crictl, Unknown):
        return parse_crictl_images(crictl)
    return parse_ctr_images(await session.text(runtime.CTR_IMAGES.call(path=socket)))


async def read_others(session: HostSession, socket: str) -> tuple[OtherContainer, ...]:
    """Containers in the namespaces of others: nerdctl's, Docker's, ctr's."""
    names = parse_namespaces(await session.text(runtime.CTR_NAMESPACES.call(path=socket)))
    found: list[OtherContainer] = []
    for name in names:
        if name == _KUBELETS:
            continue
        containers, tasks = await asyncio.gather(
            session.text(runtime.CTR_CONTAINERS.call(path=socket, namespace=name)),
            session.text(runtime.CTR_TASKS.call(path=socket, namespace=name)),
        )
        found += parse_ctr_containers(name, containers, tasks)
    return tuple(found)


async def read_deprecations(session: HostSession, socket: str) -> tuple[str, ...]:
    """What this daemon has been asked for since it started, and a later one lacks (containerd 1.7 on)."""
    return parse_deprecations(await session.text(runtime.CTR_DEPRECATIONS.call(path=socket)))
