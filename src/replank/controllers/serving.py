"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from replank.controllers.metrics import CONTENT_TYPE, Metrics
from replank.domain.errors import Refused


@asynccontextmanager
async def serving(listen: str, metrics: Metrics, unready: Callable[[], str]) -> AsyncIterator[int]:
    """`listen`: `HOST:PORT`, `:PORT` = all addresses, port 0 = a free one. Gives the port. `unready`: why
    this replica is not ready, "" = it is. Raises `Refused` RP762."""
    host, port = _parsed(listen)

    async def healthz(_: web.Request) -> web.Response:
        # Whatever ends for good ends the process; what is asked here is whether its event loop goes on.
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why = unready()
        return web.Response(text=f"{why or 'ok'}\n", status=503 if why else 200)

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", exposition)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host or None, port)
        try:
            await site.start()
        except OSError as error:
            raise _not_listening(listen, error.strerror or type(error).__name__) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _parsed(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise _not_listening(listen, "it is not HOST:PORT or :PORT")
    return host.strip("[]"), int(port)


def _not_listening(listen: str, why: str) -> Refused:
    return Refused(
        "RP762", f"The operator cannot listen on {listen}", why, "Name another address with --listen."
    )
