"""What the facts of a node's runtime rest on: the kubelet, its endpoint, the daemons and their files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration
from replank.inventory.runtime.containerd_process import ContainerdProcess, serving
from replank.inventory.runtime.docker_facts import DockerConfiguration
from replank.inventory.runtime.endpoint import endpoint_of, shim_of
from replank.inventory.runtime.facts import ContainerdDaemon
from replank.inventory.runtime.units import ShownUnit
from replank.transports.hosts.runtime import node
from replank.transports.hosts.runtime.containerd import read_configuration as read_containerd
from replank.transports.hosts.runtime.containerd import read_processes
from replank.transports.hosts.runtime.daemon import read_daemon
from replank.transports.hosts.runtime.docker import read_configuration as read_docker
from replank.transports.hosts.runtime.units import Units, read_units
from replank.transports.hosts.seeing import fact, seen
from replank.transports.hosts.session import HostSession

Processes = tuple[ContainerdProcess, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """`told`: the runtime's name and its socket. `units`: kept nowhere, they may hold secrets."""

    kubelet: Fact[KubeletFacts]
    kubelet_version: Fact[str]
    units: Fact[Units]
    endpoint: Fact[str]
    told: Fact[tuple[str, str]]
    containerd: Fact[ContainerdConfiguration | None]
    docker: Fact[DockerConfiguration | None]
    daemon: Fact[ContainerdDaemon | None]

    @property
    def name(self) -> Fact[str]:
        """docker | containerd | cri-o."""
        return self.told if isinstance(self.told, Unknown) else self.told[0]

    @property
    def shim(self) -> Fact[str]:
        """What speaks CRI for Docker, "" for no Docker."""
        return self.told if isinstance(self.told, Unknown) else shim_of(self.told[1])


async def read_start(session: HostSession) -> Start:
    """Each fact on its own."""
    kubelet, version, shown, processes, docker = await asyncio.gather(
        fact(node.read_kubelet_facts(session)),
        fact(node.read_kubelet_version(session)),
        fact(read_units(session)),
        fact(read_processes(session)),
        fact(read_docker(session)),
    )
    endpoint = await fact(_endpoint(kubelet, version))
    told, containerd, daemon = await asyncio.gather(
        fact(_told(session, endpoint)),
        fact(_containerd(session, processes, shown)),
        fact(_daemon(session, processes, shown)),
    )
    return Start(
        kubelet=kubelet,
        kubelet_version=version,
        units=shown,
        endpoint=endpoint,
        told=told,
        containerd=containerd,
        docker=docker,
        daemon=daemon,
    )


async def _endpoint(kubelet: Fact[KubeletFacts], version: Fact[str]) -> str:
    return endpoint_of(seen(kubelet), node.version_of(seen(version)))


async def _told(session: HostSession, endpoint: Fact[str]) -> tuple[str, str]:
    return await node.read_runtime_name(session, seen(endpoint))


async def _containerd(
    session: HostSession, processes: Fact[Processes], shown: Fact[Units]
) -> ContainerdConfiguration | None:
    return await read_containerd(session, _serving(processes, shown)[0])


async def _daemon(
    session: HostSession, processes: Fact[Processes], shown: Fact[Units]
) -> ContainerdDaemon | None:
    return await read_daemon(session, *_serving(processes, shown))


def _serving(
    processes: Fact[Processes], shown: Fact[Units]
) -> tuple[ContainerdProcess | None, ShownUnit | None]:
    unit = seen(shown).get("containerd.service")
    return serving(seen(processes), unit.main_pid if unit is not None else ""), unit
