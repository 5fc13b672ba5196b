"""The streams of a process behind a WebSocket."""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from replank.transports.node_pod.channels import CLOSE, STDIN, V5

MESSAGE: Final = 32 * 1024
"""Bytes of one message of stdin, as kubectl sends them: no kubelet's limit is below it."""
_ROOM: Final = 1024 * 1024
_ERRORS_KEPT: Final = 64 * 1024


class LineLostError(Exception):
    """The connection broke off before the command's end was told, or the command was not run."""


class Pipe:
    """What a process writes, until it is read. `kept`: bytes after which the rest is dropped; None = it waits
    for room. `mark`: its last bytes, which are no part of it; without them it is not whole."""

    def __init__(self, *, kept: int | None = None, mark: bytes = b"") -> None:
        self._data = bytearray()
        self._left = kept
        self._mark = mark
        self._ended = False
        self._failure: LineLostError | None = None
        self._changed = asyncio.Condition()

    @classmethod
    def of_errors(cls) -> Pipe:
        """For stderr: only its beginning is ever told, and nobody reads it before the command's end."""
        return cls(kept=_ERRORS_KEPT)

    async def put(self, data: bytes) -> None:
        """Waits while there is no room."""
        async with self._changed:
            if self._left is not None:
                data = data[: self._left]
                self._left -= len(data)
            else:
                await self._changed.wait_for(lambda: len(self._data) < _ROOM or self._ended)
            self._data += data
            self._changed.notify_all()

    async def end(self, failure: LineLostError | None = None) -> None:
        """Nothing more comes. `failure`: raised when all that came has been read."""
        async with self._changed:
            if not self._ended and self._data.endswith(self._mark):
                del self._data[len(self._data) - len(self._mark) :]
            elif not self._ended:
                failure = failure or LineLostError("its end was told, but not all that it wrote has come")
            self._ended = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    async def read(self, n: int = -1, /) -> bytes:
        """See `Reading.read`. Raises `LineLostError`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or len(self._data) > len(self._mark))
            if not self._data and self._failure is not None:
                raise self._failure
            free = len(self._data) if self._ended else len(self._data) - len(self._mark)
            piece = bytes(self._data[: free if n < 0 else min(n, free)])
            del self._data[: len(piece)]
            self._changed.notify_all()
            return piece


class Stdin:
    """What a process is given. `promised`: bytes that it waits for."""

    def __init__(self, connection: ClientConnection, promised: int) -> None:
        self._connection = connection
        self._left = promised
        self._waiting = bytearray()
        self._closing: asyncio.Task[None] | None = None

    def write(self, data: bytes, /) -> None:
        """See `Writing.write`: it goes with the next `drain`."""
        self._waiting += data

    async def drain(self) -> None:
        """Raises BrokenPipeError where nobody takes it any more."""
        data, self._waiting = bytes(self._waiting), bytearray()
        self._left -= len(data)
        for start in range(0, len(data), MESSAGE):
            await self._send(bytes((STDIN,)) + data[start : start + MESSAGE])

    def write_eof(self) -> None:
        """Before v5 nobody can say so: the command ends its stdin after what it was promised, and where that
        did not come, the connection is cut."""
        if self._connection.subprotocol == V5:
            self._closing = asyncio.ensure_future(self._say_closed())
        elif self._left > 0:
            self._connection.transport.abort()

    async def _say_closed(self) -> None:
        try:
            await self._send(bytes((CLOSE, STDIN)))
        except BrokenPipeError:
            return

    async def _send(self, message: bytes) -> None:
        try:
            await self._connection.send(message)
        except ConnectionClosed as error:
            raise BrokenPipeError("the command takes no more") from error
