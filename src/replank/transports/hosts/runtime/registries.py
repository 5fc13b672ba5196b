"""Whether a node has logins for registries."""

from __future__ import annotations

from collections.abc import Iterable

from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.containerd_facts import ContainerdFile
from replank.inventory.runtime.registry_facts import RegistryLogin
from replank.inventory.runtime.registry_logins import logins_of, parse_login_names
from replank.transports.hosts.runtime.searching import read_matches
from replank.transports.hosts.session import HostSession


async def read_logins(session: HostSession, files: Iterable[ContainerdFile]) -> tuple[RegistryLogin, ...]:
    """Of Docker's and the kubelet's files, and of containerd's (`files`). The login files stay on the node:
    only the names of registries are cut out of them."""
    found = list(logins_of(files))
    for path in runtime.LOGIN_FILES:
        if await session.exists(path):
            text = await read_matches(session, runtime.REGISTRY_LOGINS.call(path=path))
            found += parse_login_names(text, path=path)
    return tuple(found)
