"""From the targets of fleet.yaml to samplers."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from replank.domain.errors import Refused
from replank.inventory.fleet.model import ProbeTarget
from replank.probe.growth import Growth
from replank.probe.http_exchange import Server, server_of
from replank.probe.probing import Watched
from replank.probe.samplers import (
    CounterSampler,
    DnsTcpSampler,
    DnsUdpSampler,
    HttpSampler,
    ReusedHttpSampler,
    Sampler,
    TcpSampler,
)
from replank.transports.kubernetes.connection import open_kubeconfig

READY_PATH = "/readyz"


async def watched(
    target: ProbeTarget,
    *,
    clock: Callable[[], datetime],
    now: Callable[[], float],
    exec_timeout_s: float,
) -> Watched:
    """The target with its sampler. `clock`: the time of day, `now`: seconds that never go back.

    Raises `Refused`: RP050 to RP052 for the kubeconfig, RP982 for a target that cannot be asked.
    """
    if target.kind == "api":
        server = await _api_server(target, clock, exec_timeout_s)
        address = f"{'https' if server.tls else 'http'}://{server.host}:{server.port}{server.path}"
        return _watched(target, _http(target, server), address)
    return _watched(target, _sampler(target, now), target.address)


def _watched(target: ProbeTarget, sampler: Sampler, address: str) -> Watched:
    kind = f"{target.kind}, one connection" if target.reuse else target.kind
    return Watched(
        name=target.name,
        kind=f"{kind} over {target.over}" if target.kind == "dns" else kind,
        address=address,
        timeout_s=target.timeout_s,
        sampler=sampler,
    )


def _sampler(target: ProbeTarget, now: Callable[[], float]) -> Sampler:
    if target.kind in ("http", "counter"):
        server = server_of(target.address, _tls(target))
        if target.kind == "http":
            return _http(target, server)
        return CounterSampler(server, Growth(target.period_s), now)
    parts = urlsplit(f"//{target.address}")
    host, port = parts.hostname or "", parts.port or 0
    if target.kind == "tcp":
        return TcpSampler(host, port)
    return (DnsTcpSampler if target.over == "tcp" else DnsUdpSampler)(host, port, target.query)


def _http(target: ProbeTarget, server: Server) -> Sampler:
    return ReusedHttpSampler(server) if target.reuse else HttpSampler(server)


def _tls(target: ProbeTarget) -> ssl.SSLContext | None:
    if not target.address.startswith("https:"):
        return None
    if not target.ca:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=Path(target.ca).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unaskable(target, f"its CA {target.ca} cannot be read") from error


async def _api_server(target: ProbeTarget, clock: Callable[[], datetime], exec_timeout_s: float) -> Server:
    if target.kubeconfig is None:
        raise _unaskable(target, "no kubeconfig is named")
    connection = await open_kubeconfig(target.kubeconfig, clock=clock, exec_timeout_s=exec_timeout_s)
    if connection.proxy:
        # Through a proxy the samples would speak of the proxy.
        raise _unaskable(target, "its kubeconfig or the environment leads through a proxy")
    server = server_of(f"{connection.server}{READY_PATH}", connection.tls)
    return Server(
        host=server.host,
        port=server.port,
        path=server.path,
        tls=server.tls,
        server_name=connection.fact.tls_server_name,
        headers=connection.headers,
    )


def _unaskable(target: ProbeTarget, why: str) -> Refused:
    return Refused(
        "RP982",
        f"Probe {target.name} cannot ask its target",
        why,
        "Correct the target in fleet.yaml, or probe from a machine that reaches it directly.",
    )
