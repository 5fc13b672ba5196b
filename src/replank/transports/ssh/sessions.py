"""Sessions on the machines of one cluster over SSH, by their names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from replank.domain.errors import Refused
from replank.inventory.fleet.model import SshAccess
from replank.inventory.hosts.command import HostCommand
from replank.transports.hosts.session import HostSession
from replank.transports.ssh.connect import Connections
from replank.transports.ssh.shell import SshShell


class SshSessions:
    """See `transports.hosts.sessions.Sessions`.

    `access` None: fleet.yaml does not say how. `addresses`: name -> the address to reach it at. Each session
    logs in anew; those at the same time share the jump host's connection.
    """

    def __init__(self, access: SshAccess | None, addresses: Mapping[str, str]) -> None:
        self._access = access
        self._addresses = dict(addresses)
        self._connections = Connections()

    @asynccontextmanager
    async def open(self, machine: str, allowed: Sequence[HostCommand]) -> AsyncIterator[HostSession]:
        """Raises `Refused` RP940, RP060 to RP064, `Transient` RP060, RP065."""
        access, address = self._access, self._addresses.get(machine)
        if access is None or address is None:
            why = "fleet.yaml does not say how" if access is None else "no address of it is known"
            raise Refused(
                "RP940",
                f"{machine} cannot be reached over SSH",
                why,
                "Complete `ssh` in fleet.yaml (user, key, jump, address), and survey and plan again.",
            )
        async with self._connections.open(machine, address, access) as connection:
            host = machine if access.check_host_key else f"{machine} (host key not checked)"
            yield await HostSession.start(SshShell(connection), host, access, allowed)
