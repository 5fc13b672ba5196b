"""How each kind of target is asked, over plain sockets.

A sampler's `ask` says what is wrong, "" for nothing. It translates what sockets raise; a bug stays one. The
timeout is the caller's.
"""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable
from typing import Protocol

from replank.probe.dns_message import answers, question, wrong_with
from replank.probe.growth import Growth, number_in
from replank.probe.http_exchange import Answer, BadAnswer, Connection, Server


class Sampler(Protocol):
    """Asks one target."""

    async def ask(self) -> str:
        """ "" for a good answer, else why it is none."""
        ...

    def close(self) -> None:
        """Gives up what is open."""
        ...


class TcpSampler:
    """Takes a new connection each time. Behind a load balancer that alone says little about what it leads
    to."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def ask(self) -> str:
        """Connects and hangs up."""
        try:
            _, writer = await asyncio.open_connection(self._host, self._port)
        except OSError as error:
            return _said(error)
        writer.transport.abort()
        return ""

    def close(self) -> None:
        """Nothing is kept."""


class HttpSampler:
    """GET on a new connection each time; any 2xx is good."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def ask(self) -> str:
        """One exchange."""
        try:
            return _status(await exchange(self._server))
        except (OSError, EOFError, BadAnswer) as error:
            return _said(error)

    def close(self) -> None:
        """Nothing is kept."""


class ReusedHttpSampler:
    """GET on one connection, kept as long as the other side keeps it.

    Requests wait for one another, as a client's with one connection do. A connection that breaks, or hangs
    until the timeout, is a failure; the next request opens a new one. One whose end was announced by the
    answer before (`Connection: close`) is no failure.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def ask(self) -> str:
        """One exchange, once those before it are over."""
        async with self._turn:
            connection, self._connection = self._connection, None
            try:
                if connection is None:
                    connection = await Connection.open(self._server)
                answer = await connection.get(keep=True)
                if answer.keep:
                    self._connection = connection
                return _status(answer)
            except (OSError, EOFError, BadAnswer) as error:
                return _said(error)
            finally:
                # Also where the timeout cancels: half an answer would be read as the next one.
                if connection is not None and self._connection is None:
                    connection.close()

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class CounterSampler:
    """GET of a growing number. `now`: seconds of a clock that never goes back."""

    def __init__(self, server: Server, growth: Growth, now: Callable[[], float]) -> None:
        self._server, self._growth, self._now = server, growth, now

    async def ask(self) -> str:
        """One exchange on a new connection, and the rule of growth."""
        asked_at = self._now()
        try:
            answer = await exchange(self._server)
        except (OSError, EOFError, BadAnswer) as error:
            return _said(error)
        if status := _status(answer):
            return status
        value = number_in(answer.body)
        if value is None:
            return "its answer is no number"
        return self._growth.take(value, asked_at=asked_at, answered_at=self._now())

    def close(self) -> None:
        """Nothing is kept."""


class DnsTcpSampler:
    """A DNS question over a new TCP connection (RFC 7766: two bytes of length before each message)."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._host, self._port, self._name = host, port, name

    async def ask(self) -> str:
        """One question."""
        number = random.randrange(1 << 16)  # noqa: S311  # tells answers apart, guards nothing
        writer = None
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            message = question(self._name, number)
            writer.write(struct.pack("!H", len(message)) + message)
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            answer = await reader.readexactly(size)
        except (OSError, EOFError) as error:
            return _said(error)
        finally:
            if writer is not None:
                writer.transport.abort()
        return wrong_with(answer) if answers(answer, number) else "its answer is none to the question"

    def close(self) -> None:
        """Nothing is kept."""


class DnsUdpSampler:
    """A DNS question in one datagram, from a new port each time, so that no old conntrack entry helps it."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._host, self._port, self._name = host, port, name

    async def ask(self) -> str:
        """One question, sent once: a lost datagram is a lost sample."""
        number = random.randrange(1 << 16)  # noqa: S311  # tells answers apart, guards nothing
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[bytes] = loop.create_future()
        transport = None
        try:
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Listener(heard, number), remote_addr=(self._host, self._port)
            )
            transport.sendto(question(self._name, number))
            return wrong_with(await heard)
        except OSError as error:
            return _said(error)
        finally:
            if transport is not None:
                transport.abort()

    def close(self) -> None:
        """Nothing is kept."""


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard: asyncio.Future[bytes], number: int) -> None:
        self._heard, self._number = heard, number

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if not self._heard.done() and answers(data, self._number):
            self._heard.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._heard.done():
            self._heard.set_exception(exc)


async def exchange(server: Server) -> Answer:
    """One GET on a connection of its own."""
    connection = await Connection.open(server)
    try:
        return await connection.get(keep=False)
    finally:
        connection.close()


def _status(answer: Answer) -> str:
    return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"


def _said(error: Exception) -> str:
    """What a socket's error says, without addresses that differ from one attempt to the next."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "connection reset"
    if isinstance(error, EOFError):
        return "the connection was closed before the answer was complete"
    if isinstance(error, BadAnswer):
        return str(error)
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__}: {strerror or error}"
