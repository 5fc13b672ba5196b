"""What each sampler calls a good answer, against small servers on the loopback."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine
from typing import Any

import pytest
from loopback import HttpServer, UdpResolver, resolver

from replank.probe.growth import Growth
from replank.probe.http_exchange import server_of
from replank.probe.samplers import (
    CounterSampler,
    DnsTcpSampler,
    DnsUdpSampler,
    HttpSampler,
    ReusedHttpSampler,
    TcpSampler,
)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


def test_a_new_connection_for_each_question_or_one_for_all() -> None:
    async def work() -> None:
        server = HttpServer()
        await server.start()
        once, reused = (
            HttpSampler(server_of(server.url, None)),
            ReusedHttpSampler(server_of(server.url, None)),
        )
        assert [await once.ask() for _ in range(3)] == ["", "", ""]
        assert server.connections == 3
        assert [await reused.ask() for _ in range(5)] == [""] * 5
        assert server.connections == 4
        # Questions at once wait for one another, and share the connection too.
        assert await asyncio.gather(*(reused.ask() for _ in range(5))) == [""] * 5
        assert server.connections == 4
        reused.close()
        server.stop()

    run(work())


def test_a_broken_connection_is_a_failure_and_one_that_ends_as_announced_is_not() -> None:
    async def work() -> None:
        polite, rude = HttpServer(keep=2), HttpServer()
        for server in (polite, rude):
            await server.start()
        sampler = ReusedHttpSampler(server_of(polite.url, None))
        assert [await sampler.ask() for _ in range(4)] == [""] * 4
        assert polite.connections == 2
        sampler = ReusedHttpSampler(server_of(rude.url, None))
        assert await sampler.ask() == ""
        rude.stop()
        await rude.start()
        said = await sampler.ask()
        assert "connection" in said
        assert await sampler.ask() == ""
        sampler.close()
        polite.stop()
        rude.stop()

    run(work())


def test_half_an_answer_is_never_read_as_the_next_one() -> None:
    async def work() -> None:
        server = HttpServer()
        await server.start()
        sampler = ReusedHttpSampler(server_of(server.url, None))
        assert await sampler.ask() == ""
        server.silent = True
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sampler.ask()
        server.silent = False
        assert await sampler.ask() == ""
        assert server.connections == 2
        sampler.close()
        server.stop()

    run(work())


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (b"204 No Content", ""),
        (b"503 Unavailable", "HTTP 503"),
        (b"401 x", "HTTP 401"),
        (b"302 x", "HTTP 302"),
    ],
)
def test_any_2xx_is_good_and_nothing_else(status: bytes, said: str) -> None:
    async def work() -> None:
        server = HttpServer(lambda: b"")
        server.status = status
        await server.start()
        assert await HttpSampler(server_of(server.url, None)).ask() == said
        server.stop()

    run(work())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "its answer is no HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "its answer is longer than"),
        (b"HTTP/1.1 200 OK\r\n", "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 3, "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"a%d: b\r\n" % i for i in range(300)), "no end of headers"),
        (b"", "the connection was closed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "its answer is no HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ""),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", ""),
    ],
)
def test_what_is_no_whole_answer_is_a_failure(raw: bytes, said: str) -> None:
    async def work() -> None:
        server = HttpServer()
        server.raw = raw
        await server.start()
        found = await HttpSampler(server_of(server.url, None)).ask()
        assert (said in found) if said else found == "", found
        server.stop()

    run(work())


def test_tcp_takes_a_connection_or_not() -> None:
    async def work() -> None:
        server = HttpServer()
        await server.start()
        sampler = TcpSampler("127.0.0.1", server.port)
        assert await sampler.ask() == ""
        server.stop()
        assert await sampler.ask() == "connection refused"

    run(work())


def test_a_counter_must_grow() -> None:
    async def work() -> None:
        numbers = iter([b"5", b"6\n", b"3", b"x", b"4", b"4"])
        times = iter(range(100))
        server = HttpServer(lambda: next(numbers))
        await server.start()
        sampler = CounterSampler(server_of(server.url, None), Growth(0.5), lambda: float(next(times)))
        said = [await sampler.ask() for _ in range(6)]
        assert said == [
            "",
            "",
            "went back from 6 to 3",
            "its answer is no number",
            "",
            "stands still at 4 for longer than 0.5 s",
        ]
        server.stop()

    run(work())


@pytest.mark.parametrize(
    ("code", "found", "said"),
    [
        (0, 1, ""),
        (2, 0, "the resolver says SERVFAIL"),
        (3, 0, "the resolver says NXDOMAIN"),
        (0, 0, "the resolver knows no address of the name"),
    ],
)
def test_dns_over_udp_and_tcp(code: int, found: int, said: str) -> None:
    async def tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        message = resolver(await reader.readexactly(size), code=code, found=found)
        writer.write(struct.pack("!H", len(message)) + message)
        writer.close()

    async def work() -> None:
        server = await asyncio.start_server(tcp, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert await DnsTcpSampler("127.0.0.1", port, "kubernetes.default").ask() == said
        server.close()
        # Somebody else's answer on the way is none.
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpResolver(lambda d: [b"x", d, b"\0\0" + d[2:], resolver(d, code=code, found=found)]),
            local_addr=("127.0.0.1", 0),
        )
        port = transport.get_extra_info("sockname")[1]
        assert await DnsUdpSampler("127.0.0.1", port, "kubernetes.default").ask() == said
        transport.close()
        assert await DnsUdpSampler("127.0.0.1", port, "x").ask() == "connection refused"
        assert await DnsTcpSampler("127.0.0.1", port, "x").ask() == "connection refused"

    run(work())
