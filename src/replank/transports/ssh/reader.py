"""Readers of one host over SSH: one connection each, read only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from replank.inventory.facts.hosts import HostFacts
from replank.inventory.fleet.model import SshAccess
from replank.inventory.hosts.command import HostCommand
from replank.inventory.hosts.commands import SURVEY_COMMANDS
from replank.inventory.hosts.runtime_commands import RUNTIME_COMMANDS
from replank.inventory.runtime.facts import NodeRuntime
from replank.transports.hosts.reader import read_host
from replank.transports.hosts.runtime.reader import read_runtime
from replank.transports.hosts.session import HostSession
from replank.transports.ssh.connect import Connections
from replank.transports.ssh.shell import SshShell


class SshHostReader:
    """Reads machines. Import this module only where SSH is really used: asyncssh takes long to import."""

    def __init__(self) -> None:
        self._connections = Connections()

    async def read(self, server: str, address: str, access: SshAccess, certificates_dir: str) -> HostFacts:
        """As ports.readers.HostReader says. Raises `Refused` or `Transient` RP060-RP065."""
        checked = access.check_host_key
        async with _session(self._connections, server, address, access, SURVEY_COMMANDS) as session:
            return await read_host(session, server, address, certificates_dir, host_key_checked=checked)


class SshRuntimeReader:
    """Reads nodes. Import this module only where SSH is really used: asyncssh takes long to import."""

    def __init__(self) -> None:
        self._connections = Connections()

    async def read(self, node: str, address: str, access: SshAccess) -> NodeRuntime:
        """Facts of the Node `node` at `address`. Raises `Refused` or `Transient` RP060-RP065."""
        async with _session(self._connections, node, address, access, RUNTIME_COMMANDS) as session:
            return await read_runtime(session, node)


@asynccontextmanager
async def _session(
    connections: Connections, name: str, address: str, access: SshAccess, allowed: Sequence[HostCommand]
) -> AsyncIterator[HostSession]:
    async with connections.open(name, address, access) as connection:
        host = name if access.check_host_key else f"{name} (host key not checked)"
        yield await HostSession.start(SshShell(connection), host, access, allowed)
