"""The facts of a node that its containerd tells."""

from __future__ import annotations

import asyncio

from replank.domain.errors import Refused
from replank.domain.unknown import Fact, Unknown, is_known
from replank.inventory.runtime.containerd_effective import Effective
from replank.inventory.runtime.containerd_facts import ContainerdConfiguration
from replank.transports.hosts.runtime.containerd import (
    read_deprecations,
    read_images,
    read_others,
    read_version,
)
from replank.transports.hosts.runtime.node import version_of
from replank.transports.hosts.runtime.side import Side, unread
from replank.transports.hosts.seeing import fact, seen
from replank.transports.hosts.session import HostSession

_DEPRECATIONS_SINCE = (1, 7)


async def read_containerd_side(
    session: HostSession, socket: str, configuration: Fact[ContainerdConfiguration | None]
) -> Side:
    """`socket`: where it serves the kubelet."""
    version, images, others = await asyncio.gather(
        fact(read_version(session, socket)),
        fact(read_images(session, socket)),
        fact(read_others(session, socket)),
    )
    effective = await fact(_effective(configuration, version))
    deprecations = await fact(_deprecations(session, socket, version))
    if isinstance(effective, Unknown):
        nothing = unread(effective)
        return Side(
            version=version,
            images=images,
            other_containers=others,
            deprecations=deprecations,
            storage_driver=nothing.storage_driver,
            data_root=nothing.data_root,
            state_dir=nothing.state_dir,
            cgroup_driver=nothing.cgroup_driver,
            sandbox_image=nothing.sandbox_image,
            cni_conf_dir=nothing.cni_conf_dir,
            cni_bin_dirs=nothing.cni_bin_dirs,
            hosts_dirs=nothing.hosts_dirs,
        )
    return Side(
        version=version,
        images=images,
        other_containers=others,
        deprecations=deprecations,
        storage_driver=effective.snapshotter,
        data_root=effective.root,
        state_dir=effective.state,
        cgroup_driver=effective.cgroup_driver,
        sandbox_image=effective.sandbox_image,
        cni_conf_dir=effective.cni_conf_dir,
        cni_bin_dirs=effective.cni_bin_dirs,
        hosts_dirs=effective.certs_dirs,
    )


async def _effective(configuration: Fact[ContainerdConfiguration | None], version: Fact[str]) -> Effective:
    known = seen(configuration)
    if known is None:
        raise Refused(
            "RP067",
            "containerd's configuration was not found",
            "no containerd of the system runs, or several do",
            "Look at `systemctl status containerd` on the node.",
        )
    return Effective(known, version_of(seen(version)).line)


async def _deprecations(session: HostSession, socket: str, version: Fact[str]) -> tuple[str, ...]:
    if is_known(version) and version_of(version).line < _DEPRECATIONS_SINCE:
        return ()
    return await read_deprecations(session, socket)
