"""Which paths of an input are container logs, and where its positions lie."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Literal

from replank.inventory.log_agents.workload import (
    DOCKER_LOGS,
    KUBELET_LOGS,
    AgentContainer,
    host_path_of,
    mount_of,
)

_SAMPLES = (
    "/var/log/containers/web-1_shop_web-0123456789abcdef.log",
    "/var/log/pods/shop_web-1_11111111-2222-3333-4444-555555555555/web/0.log",
    f"{DOCKER_LOGS}/0123456789abcdef/0123456789abcdef-json.log",
)


def on_node(container: AgentContainer, path: str) -> str:
    """The path on the node, where the container sees the node's files elsewhere (`/host/var/log`)."""
    return host_path_of(container, path) or path


def reads_container_logs(container: AgentContainer, paths: Iterable[str]) -> bool:
    """Whether one of the globs takes container logs. Variables in a path stand for anything."""
    return any(_is_container_log(on_node(container, path)) for path in paths)


def below_docker(container: AgentContainer, path: str) -> bool:
    """Whether a path points into Docker's own folder, which another runtime does not have."""
    return on_node(container, path).startswith(DOCKER_LOGS.rsplit("/", 1)[0])


def positions_on(container: AgentContainer, path: str) -> Literal["node", "volume", "pod"]:
    """Where the positions of an input lie."""
    mount = mount_of(container, path) if path else None
    if mount is None or mount.volume == "emptyDir":
        return "pod"
    return "node" if mount.host_path else "volume"


def _is_container_log(path: str) -> bool:
    if path.startswith((*(f"{folder}/" for folder in KUBELET_LOGS), f"{DOCKER_LOGS}/")):
        return True
    return any(fnmatch.fnmatchcase(sample, path.replace("**", "*")) for sample in _SAMPLES)
