"""kopf's way to the API server: the same kubeconfig, proxy and credentials as replank's own client."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import kopf
from aiohttp.client_middlewares import ClientHandlerType

from replank.transports.kubernetes.connection import Connection


def login_of(connection: Connection, asked: Callable[[str], None]) -> kopf.AiohttpSession:
    """To be called in the event loop that kopf runs in, which closes the session. `asked`: told the path of
    each request."""

    async def as_now(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        """A Pod's token is written anew while a session lives, so headers are set for each request."""
        asked(request.url.path)
        for name, _ in connection.headers:
            request.headers.popall(name, None)
        for name, value in connection.headers_now():
            request.headers.add(name, value)
        if connection.fact.tls_server_name:
            request.server_hostname = connection.fact.tls_server_name
        return await handler(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=connection.tls or True),
        headers={"User-Agent": "replank-operator"},
        middlewares=(as_now,),
        proxy=connection.proxy or None,
        trust_env=False,
    )
    return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)
