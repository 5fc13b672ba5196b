"""Small servers on the loopback that can be stopped and started again on the same port."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from replank.probe.dns_message import answers


class HttpServer:
    """Answers each GET with what `body` gives. `keep`: how many requests it takes on one connection."""

    def __init__(self, body: Callable[[], bytes] = lambda: b"ok", *, keep: int = 10**9) -> None:
        self.body, self.keep = body, keep
        self.status = b"200 OK"
        self.port = 0
        self.connections = 0
        self.silent = False
        self.raw: bytes | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            for left in range(self.keep - 1, -1, -1):
                request = await reader.readuntil(b"\r\n\r\n")
                if self.silent:
                    await reader.read()
                    return
                close = b"Connection: close" in request or not left
                body = self.body()
                head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n" % (self.status, len(body))
                head += b"Connection: close\r\n" if close else b""
                writer.write(self.raw if self.raw is not None else head + b"\r\n" + body)
                await writer.drain()
                if close or self.raw is not None:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()


def resolver(asked: bytes, *, code: int = 0, found: int = 1) -> bytes:
    """The answer to a question, as far as a probe reads it."""
    (number,) = struct.unpack_from("!H", asked)
    message = struct.pack("!HHHHHH", number, 0x8180 | code, 1, found, 0, 0) + asked[12:]
    assert answers(message, number)
    return message


class UdpResolver(asyncio.DatagramProtocol):
    def __init__(self, reply: Callable[[bytes], list[bytes]]) -> None:
        self.reply = reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        for answer in self.reply(data):
            self.transport.sendto(answer, addr)  # type: ignore[attr-defined]
