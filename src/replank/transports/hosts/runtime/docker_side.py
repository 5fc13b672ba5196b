"""The facts of a node that Docker tells."""

from __future__ import annotations

import asyncio
from typing import Final

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.runtime.docker_facts import DockerConfiguration
from replank.transports.hosts.runtime.docker import cri_dockerd_flags, read_containers, read_images, read_info
from replank.transports.hosts.runtime.side import Side
from replank.transports.hosts.seeing import fact
from replank.transports.hosts.session import HostSession

_SANDBOX: Final = "pod-infra-container-image"


async def read_docker_side(
    session: HostSession, kubelet: Fact[KubeletFacts], docker: Fact[DockerConfiguration | None]
) -> Side:
    """By dockerd's own word, its flags, and those of the kubelet (dockershim) or of cri-dockerd."""
    info, containers, images, shim = await asyncio.gather(
        fact(read_info(session)),
        fact(read_containers(session)),
        fact(read_images(session)),
        fact(cri_dockerd_flags(session)),
    )
    sandboxes = containers if isinstance(containers, Unknown) else containers[1]
    bin_dirs = _flag(kubelet, shim, "cni-bin-dir", "/opt/cni/bin")
    return Side(
        version=info if isinstance(info, Unknown) else info.version,
        storage_driver=info if isinstance(info, Unknown) else info.storage_driver,
        data_root=info if isinstance(info, Unknown) else info.data_root,
        cgroup_driver=info if isinstance(info, Unknown) else info.cgroup_driver,
        state_dir=_exec_root(docker),
        sandbox_image=_flag(kubelet, shim, _SANDBOX, sandboxes),
        images=images,
        other_containers=containers if isinstance(containers, Unknown) else containers[0],
        deprecations=(),
        cni_conf_dir=_flag(kubelet, shim, "cni-conf-dir", "/etc/cni/net.d"),
        cni_bin_dirs=bin_dirs if isinstance(bin_dirs, Unknown) else tuple(bin_dirs.split(",")),
        hosts_dirs=(),
    )


def _exec_root(docker: Fact[DockerConfiguration | None]) -> Fact[str]:
    if isinstance(docker, Unknown):
        return docker
    setting = docker.find("exec-root") if docker is not None else None
    return str(setting.value) if setting is not None else "/var/run/docker"


def _flag(
    kubelet: Fact[KubeletFacts], shim: Fact[tuple[ExtraArg, ...]], name: str, default: Fact[str]
) -> Fact[str]:
    """Of the kubelet, as dockershim read it, else of cri-dockerd, else the default. Unknown flags may hold
    it, so that then nothing is known."""
    of_kubelet = kubelet if isinstance(kubelet, Unknown) else kubelet.flags
    for flags in (of_kubelet, shim):
        if isinstance(flags, Unknown):
            return flags
        if value := flag_value(flags, name):
            return value
    return default
