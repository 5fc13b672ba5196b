"""A `HostShell` on an asyncssh connection."""

from __future__ import annotations

from typing import Final, cast

import asyncssh

from replank.domain.errors import Transient
from replank.transports.hosts.shell import HostProcess
from replank.transports.ssh.failures import lost

_FAILURES: Final[tuple[type[Exception], ...]] = (asyncssh.Error, OSError)


class SshShell:
    """Each process on a channel of its own."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection

    @property
    def failures(self) -> tuple[type[Exception], ...]:
        """See `HostShell.failures`."""
        return _FAILURES

    async def start(self, line: str, *, fed: int | None) -> HostProcess:
        """See `HostShell.start`."""
        stdin = asyncssh.DEVNULL if fed is None else asyncssh.PIPE
        process = await self._connection.create_process(line, encoding=None, stdin=stdin)
        # Its streams fit the protocol but for the names of their parameters.
        return cast(HostProcess, process)

    def lost(self, host: str) -> Transient:
        """See `HostShell.lost`."""
        return lost(host)
