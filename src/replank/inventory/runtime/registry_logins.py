"""For which registries a node has logins, and where; never the logins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from replank.inventory.runtime.containerd_facts import ContainerdFile
from replank.inventory.runtime.registry_facts import RegistryLogin

_OTHERS: Final = frozenset(
    {"HttpHeaders", "credHelpers", "plugins", "proxies", "aliases", "features", "currentContext"}
)
"""Objects of Docker's config.json beside `auths` (docker/cli v28, cli/config/configfile/file.go)."""


def parse_login_names(text: str, *, path: str) -> tuple[RegistryLogin, ...]:
    """The registries of a config.json or .dockercfg, of the names of JSON objects in it (`name": {`)."""
    names = [line.rpartition('"')[0] for line in text.splitlines() if '"' in line]
    # An old .dockercfg has no `auths` around its registries.
    inside = path.endswith(".dockercfg") and "auths" not in names
    found = []
    for name in names:
        if name == "auths":
            inside = True
        elif name in _OTHERS:
            inside = False
        elif inside:
            found.append(RegistryLogin(registry=name, where=path))
    return tuple(found)


def logins_of(files: Iterable[ContainerdFile]) -> tuple[RegistryLogin, ...]:
    """Logins in containerd's files: `registry.configs."host".auth` and `registry.auths."host"`."""
    found = {
        RegistryLogin(registry=_host(path), where=file.path)
        for file in files
        for path in file.secret
        if "registry" in path
    }
    return tuple(sorted(found, key=lambda login: (login.where, login.registry)))


def _host(path: tuple[str, ...]) -> str:
    at = path.index("registry")
    return path[at + 2] if len(path) > at + 2 and path[at + 1] in ("configs", "auths") else ""
