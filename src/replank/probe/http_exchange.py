"""GET over HTTP/1.1, no more than a probe needs: one connection, one request at a time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_MOST_BODY: Final = 256 * 1024
_MOST_HEADERS: Final = 200


class BadAnswer(Exception):
    """The other side answered something else than HTTP. The text says what, and holds no body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to ask and how. `tls` None = plain. `server_name`: the name on its certificate, "" = `host`.
    `headers` may hold credentials: never show it."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    server_name: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`keep`: whether the connection takes another request."""

    status: int
    body: bytes
    keep: bool


def server_of(url: str, tls: ssl.SSLContext | None) -> Server:
    """The server and path of an `http` or `https` URL."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Server(host=parts.hostname or "", port=port, path=path, tls=tls)


class Connection:
    """An open connection. Raises OSError (ssl.SSLError too), EOFError and `BadAnswer`."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, server: Server) -> Connection:
        """A new connection, with TLS where the server has it."""
        name = (server.server_name or server.host) if server.tls else None
        reader, writer = await asyncio.open_connection(
            server.host, server.port, ssl=server.tls, server_hostname=name
        )
        return cls(server, reader, writer)

    def close(self) -> None:
        """At once, without waiting for the other side: it may not be there any more."""
        self._writer.transport.abort()

    async def get(self, *, keep: bool) -> Answer:
        """The answer to one GET. `keep`: ask for the connection to stay open."""
        server = self._server
        host = f"[{server.host}]" if ":" in server.host else server.host
        lines = [
            f"GET {server.path} HTTP/1.1",
            f"Host: {host}:{server.port}",
            "User-Agent: replank-probe",
            "Accept: */*",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in server.headers),
        ]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        await self._writer.drain()
        try:
            return await self._answer()
        except (ValueError, asyncio.LimitOverrunError) as error:
            raise BadAnswer("its answer is no HTTP/1.1") from error

    async def _answer(self) -> Answer:
        version, status, *_ = (await self._line()).split(" ", 2)
        if not version.startswith("HTTP/1."):
            raise BadAnswer("its answer is no HTTP/1.1")
        headers: dict[str, str] = {}
        while line := await self._line():
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
            if len(headers) > _MOST_HEADERS:
                raise BadAnswer("its answer has no end of headers")
        body, delimited = await self._body(int(status), headers)
        closing = "close" in headers.get("connection", "").lower() or version == "HTTP/1.0"
        return Answer(status=int(status), body=body, keep=delimited and not closing)

    async def _line(self) -> str:
        raw = await self._reader.readline()
        if not raw.endswith(b"\n"):
            raise EOFError("the connection was closed before the answer was complete")
        return raw.decode("latin-1").rstrip("\r\n")

    async def _body(self, status: int, headers: Mapping[str, str]) -> tuple[bytes, bool]:
        """The body, and whether its end was told by anything but the end of the connection."""
        if status in (204, 304) or 100 <= status < 200:
            return b"", True
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return await self._chunks(), True
        if "content-length" in headers:
            return await self._reader.readexactly(_bounded(int(headers["content-length"]))), True
        return await self._reader.read(_MOST_BODY), False

    async def _chunks(self) -> bytes:
        body = b""
        while size := int((await self._line()).partition(";")[0], 16):
            body += await self._reader.readexactly(_bounded(len(body) + size) - len(body))
            await self._line()
        while await self._line():
            pass
        return body


def _bounded(size: int) -> int:
    if not 0 <= size <= _MOST_BODY:
        raise BadAnswer(f"its answer is longer than {_MOST_BODY} bytes")
    return size
