"""The kubelet of one machine."""

from __future__ import annotations

import asyncio

from replank.inventory.facts.hosts import FileFact, KubeletFacts
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.hosts import commands
from replank.inventory.hosts.command_line import flag_value
from replank.inventory.hosts.kubelet import (
    config_path,
    environment_flags,
    parse_config,
    parse_drop_ins,
    parse_environment,
    parse_instance_config,
    parse_pid,
    parse_process,
    parse_server,
)
from replank.transports.hosts.session import HostSession

KUBESPRAY_ENVIRONMENT = "/etc/kubernetes/kubelet.env"
_ENVIRONMENT = (
    "/var/lib/kubelet/kubeadm-flags.env",
    KUBESPRAY_ENVIRONMENT,
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
)
_INSTANCE_CONFIG = "/var/lib/kubelet/instance-config.yaml"


def is_kubespray(listing: tuple[FileFact, ...]) -> bool:
    """Kubespray's own environment file for the kubelet is there."""
    return any(file.path == KUBESPRAY_ENVIRONMENT for file in listing)


async def read_kubelet(session: HostSession, *, kubespray: bool) -> KubeletFacts:
    """The kubelet: flags of the process, else of the environment files, and its configuration."""
    process, units = await asyncio.gather(
        _process_flags(session), session.text(commands.KUBELET_UNIT.call(), fine=(0, 1))
    )
    flags = process if process is not None else await _environment(session, kubespray)
    path = config_path(flags, kubespray=kubespray)
    kubeconfig = flag_value(flags, "kubeconfig") or commands.KUBELET_KUBECONFIG
    config, instance, server = await asyncio.gather(
        _file(session, path),
        _file(session, _INSTANCE_CONFIG),
        session.text_if_there(commands.KUBELET_SERVER.call(path=kubeconfig), kubeconfig),
    )
    return KubeletFacts(
        flags=flags,
        config_path=path if config is not None else "",
        config=parse_config(config, path=path) if config is not None else {},
        unit_drop_ins=parse_drop_ins(units),
        kubeconfig_server=parse_server(server or ""),
        running=process is not None,
        instance_config=parse_instance_config(instance, path=_INSTANCE_CONFIG)
        if instance is not None
        else {},
    )


async def _process_flags(session: HostSession) -> tuple[ExtraArg, ...] | None:
    # pgrep exits with 1 if there is no such process.
    pid = parse_pid(await session.text(commands.KUBELET_PID.call(), fine=(0, 1)))
    if pid is None:
        return None
    return parse_process(await session.data(commands.KUBELET_COMMAND_LINE.call(pid=pid)))


async def _environment(session: HostSession, kubespray: bool) -> tuple[ExtraArg, ...]:
    """Kubespray's unit reads only its own file, kubeadm's drop-in all but that one."""
    paths = [path for path in _ENVIRONMENT if (path == KUBESPRAY_ENVIRONMENT) == kubespray]
    variables: dict[str, str] = {}
    for path in paths:
        text = await _file(session, path)
        variables |= parse_environment(text, path=path) if text is not None else {}
    return environment_flags(variables)


async def _file(session: HostSession, path: str) -> str | None:
    return await session.text_if_there(commands.KUBELET_FILE.call(path=path), path)
