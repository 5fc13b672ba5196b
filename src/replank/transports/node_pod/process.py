"""A process in a pod, over one WebSocket."""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from replank.transports.node_pod.channels import CLOSE, END, STATUS, STDERR, STDOUT, Ended, ended
from replank.transports.node_pod.streams import LineLostError, Pipe, Stdin

_CLOSES_WITHIN_S: Final = 5.0
"""After a command's end was told, for what is still on its way. Its output may come after it: the API server
copies each channel by itself (apiserver, pkg/util/proxy/streamtranslator.go)."""


class PodProcess:
    """A `HostProcess`. `fed`: bytes that it waits for. To be made in a running event loop."""

    def __init__(self, connection: ClientConnection, *, fed: int = 0) -> None:
        self.stdin = Stdin(connection, fed)
        self.stdout = Pipe(mark=END)
        self.stderr = Pipe.of_errors()
        self._connection = connection
        self._ended: Ended | None = None
        self._pump = asyncio.ensure_future(self._carry())

    @property
    def exit_status(self) -> int | None:
        """See `HostProcess.exit_status`."""
        return self._ended.status if self._ended is not None else None

    async def wait_closed(self) -> None:
        """See `HostProcess.wait_closed`."""
        await asyncio.wait((self._pump,))

    def close(self) -> None:
        """At once. A runtime leaves the command running whose connection is cut, as sshd does."""
        self._pump.cancel()
        self._connection.transport.abort()

    async def _carry(self) -> None:
        """From the connection into the pipes, until there is no more."""
        try:
            while True:
                within = _CLOSES_WITHIN_S if self._ended is not None else None
                async with asyncio.timeout(within):
                    message = await self._connection.recv(decode=False)
                await self._take(message)
        except (ConnectionClosed, TimeoutError):
            # Servers close without a word as well (golang.org/x/net/websocket): the status says how it was.
            failure = self._failure()
        await self.stderr.end()
        await self.stdout.end(failure)

    async def _take(self, message: bytes) -> None:
        channel, data = message[0] if message else -1, message[1:]
        if channel == STDOUT and data:
            await self.stdout.put(data)
        elif channel == STDERR and data:
            await self.stderr.put(data)
        elif channel == STATUS and data:
            self._ended = ended(data)
        elif channel == CLOSE and data[:1] == bytes((STDOUT,)):
            await self.stdout.end()

    def _failure(self) -> LineLostError | None:
        if self._ended is None:
            return LineLostError("the connection broke off")
        return None if self._ended.status is not None else LineLostError(self._ended.why)
