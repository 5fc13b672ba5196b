"""What a commit does with Docker's packages."""

from __future__ import annotations

from typing import Final

from replank.domain.unknown import Unknown
from replank.inventory.runtime.facts import NodeRuntime

_DOCKER: Final = ("cri-dockerd", "docker-ce", "docker-ce-cli", "docker-engine", "docker.io", "moby-engine")
_NEEDED: Final = ("containerd", "containerd.io", "runc")
"""Where runc comes from: the new containerd starts pods with it, unless it has brought its own. They came as
dependencies of Docker's package, so that a later `apt autoremove` would take them."""


def removals(node: NodeRuntime) -> tuple[tuple[str, ...], ...]:
    """Commands, in order, that can be run twice. None where a package of these is held, where nobody knows
    which there are, and on nodes without apt: whose removal takes dependencies along (dnf's
    clean_requirements_on_remove) is left to the node's owner."""
    packages, offered = node.packages, node.offered
    if isinstance(packages, Unknown) or isinstance(offered, Unknown) or offered is None:
        return ()
    gone = [package for package in packages if package.name in _DOCKER]
    if not gone or any(package.held for package in packages if package.name in (*_DOCKER, *_NEEDED)):
        return ()
    kept = [package.name for package in packages if package.name in _NEEDED]
    mark = (("apt-mark", "manual", *kept),) if kept else ()
    remove = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--yes", "remove")
    return (*mark, (*remove, *(package.name for package in gone)))
