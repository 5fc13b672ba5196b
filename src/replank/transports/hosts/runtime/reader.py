"""A node's runtime, read by a session on it; over SSH one connection a node."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.facts.hosts import Package
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.facts import (
    DiskRoom,
    DockerUser,
    NodeRuntime,
    OfferedPackage,
    ProxySetting,
    RuntimeFile,
    TextFile,
    UnitLimit,
)
from replank.inventory.runtime.network_facts import CniNetwork, StoredAddress
from replank.inventory.runtime.registry_facts import RegistryCertificates, RegistryHosts, RegistryLogin
from replank.transports.hosts.runtime import cni, node, registries, units
from replank.transports.hosts.runtime.containerd import read_hosts
from replank.transports.hosts.runtime.containerd_side import read_containerd_side
from replank.transports.hosts.runtime.docker import read_certificates
from replank.transports.hosts.runtime.docker_side import read_docker_side
from replank.transports.hosts.runtime.files import read_kept, read_kubelet_files
from replank.transports.hosts.runtime.side import Side, unread
from replank.transports.hosts.runtime.start import Start, read_start
from replank.transports.hosts.seeing import fact, seen
from replank.transports.hosts.session import HostSession
from replank.transports.hosts.system import read_offered, read_packages


async def read_runtime(session: HostSession, node: str) -> NodeRuntime:
    """Facts of the Node `node`, on which `session` may run RUNTIME_COMMANDS. What could not be read is an
    `Unknown` in its field."""
    start = await read_start(session)
    side = await _side(session, start)
    return _assembled(node, start, side, await _rest(session, start, side))


async def _side(session: HostSession, start: Start) -> Side:
    if isinstance(start.told, Unknown):
        return unread(start.told)
    name, socket = start.told
    if name == "docker":
        return await read_docker_side(session, start.kubelet, start.docker)
    if name == "containerd":
        return await read_containerd_side(session, socket, start.containerd)
    return unread(Unknown(f"replank does not read {name}", "RP067"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """As fields of `NodeRuntime`."""

    kernel: Fact[str]
    cgroup_version: Fact[Literal["v1", "v2"]]
    selinux: Fact[str]
    disk: Fact[DiskRoom]
    kubelet_files: Fact[tuple[TextFile, ...]]
    crictl: Fact[TextFile | None]
    files: Fact[tuple[RuntimeFile, ...]]
    registry_hosts: Fact[tuple[RegistryHosts, ...]]
    registry_certificates: Fact[tuple[RegistryCertificates, ...]]
    registry_logins: Fact[tuple[RegistryLogin, ...]]
    proxies: Fact[tuple[ProxySetting, ...]]
    limits: Fact[tuple[UnitLimit, ...]]
    cni: Fact[tuple[CniNetwork, ...]]
    addresses: Fact[tuple[StoredAddress, ...]]
    packages: Fact[tuple[Package, ...]]
    docker_users: Fact[tuple[DockerUser, ...]]
    offered: Fact[tuple[OfferedPackage, ...] | None]


async def _rest(session: HostSession, start: Start, side: Side) -> _Rest:
    texts = await fact(_cni_texts(session, side))
    # The session runs a few commands at once, whatever the number of tasks.
    async with asyncio.TaskGroup() as group:
        run = group.create_task
        kernel = run(fact(node.read_kernel(session)))
        cgroup = run(fact(node.read_cgroup_version(session)))
        selinux = run(fact(node.read_selinux(session)))
        disk = run(fact(_disk(session, side)))
        kubelet_files = run(fact(_kubelet_files(session, start)))
        crictl = run(fact(read_kept(session, runtime.CRICTL_YAML)))
        files = run(fact(_files(session, start)))
        hosts = run(fact(_hosts(session, side)))
        certificates = run(fact(read_certificates(session)))
        logins = run(fact(_logins(session, start)))
        proxies = run(fact(_proxies(session, start)))
        addresses = run(fact(_addresses(session, texts)))
        packages = run(fact(read_packages(session)))
        users = run(fact(node.read_docker_users(session)))
        offered = run(fact(read_offered(session)))
    return _Rest(
        kernel=kernel.result(),
        cgroup_version=cgroup.result(),
        selinux=selinux.result(),
        disk=disk.result(),
        kubelet_files=kubelet_files.result(),
        crictl=crictl.result(),
        files=files.result(),
        registry_hosts=hosts.result(),
        registry_certificates=certificates.result(),
        registry_logins=logins.result(),
        proxies=proxies.result(),
        limits=await fact(_limits(start)),
        cni=await fact(_networks(texts)),
        addresses=addresses.result(),
        packages=packages.result(),
        docker_users=users.result(),
        offered=offered.result(),
    )


def _assembled(name: str, start: Start, side: Side, rest: _Rest) -> NodeRuntime:
    images = side.images
    return NodeRuntime(
        node=name,
        name=start.name,
        version=side.version,
        kernel=rest.kernel,
        shim=start.shim,
        endpoint=start.endpoint,
        storage_driver=side.storage_driver,
        data_root=side.data_root,
        state_dir=side.state_dir,
        disk=rest.disk,
        image_bytes=images if isinstance(images, Unknown) else sum(image.bytes for image in images),
        cgroup_version=rest.cgroup_version,
        cgroup_driver=side.cgroup_driver,
        kubelet_version=start.kubelet_version,
        kubelet=start.kubelet,
        kubelet_files=rest.kubelet_files,
        crictl=rest.crictl,
        files=rest.files,
        docker=start.docker,
        containerd=start.containerd,
        registry_hosts=rest.registry_hosts,
        registry_certificates=rest.registry_certificates,
        registry_logins=rest.registry_logins,
        proxies=rest.proxies,
        limits=rest.limits,
        selinux=rest.selinux,
        sandbox_image=side.sandbox_image,
        images=images,
        cni=rest.cni,
        cni_bin_dirs=side.cni_bin_dirs,
        addresses=rest.addresses,
        other_containers=side.other_containers,
        packages=rest.packages,
        docker_users=rest.docker_users,
        deprecations=side.deprecations,
        daemon=start.daemon,
        offered=rest.offered,
    )


async def _cni_texts(session: HostSession, side: Side) -> cni.Texts:
    return await cni.read_texts(session, seen(side.cni_conf_dir))


async def _networks(texts: Fact[cni.Texts]) -> tuple[CniNetwork, ...]:
    return cni.networks(seen(texts))


async def _addresses(session: HostSession, texts: Fact[cni.Texts]) -> tuple[StoredAddress, ...]:
    return await cni.read_addresses(session, seen(texts))


async def _disk(session: HostSession, side: Side) -> DiskRoom:
    return await node.read_room(session, seen(side.data_root))


async def _kubelet_files(session: HostSession, start: Start) -> tuple[TextFile, ...]:
    return await read_kubelet_files(session, seen(start.kubelet).config_path)


async def _files(session: HostSession, start: Start) -> tuple[RuntimeFile, ...]:
    containerd, docker = start.containerd, start.docker
    paths = {runtime.DAEMON_JSON}
    if is_known(containerd) and containerd is not None:
        paths |= {containerd.path, *(file.path for file in containerd.files)}
    if is_known(docker) and docker is not None:
        paths |= {setting.where for setting in docker.settings if setting.where.startswith("/")}
    return await units.read_files(session, seen(start.units), paths)


async def _hosts(session: HostSession, side: Side) -> tuple[RegistryHosts, ...]:
    return await read_hosts(session, seen(side.hosts_dirs))


async def _logins(session: HostSession, start: Start) -> tuple[RegistryLogin, ...]:
    configuration = seen(start.containerd)
    return await registries.read_logins(session, configuration.files if configuration else ())


async def _proxies(session: HostSession, start: Start) -> tuple[ProxySetting, ...]:
    return await units.read_proxies(session, seen(start.units), seen(start.name))


async def _limits(start: Start) -> tuple[UnitLimit, ...]:
    return units.limits_of(seen(start.units), seen(start.name))
