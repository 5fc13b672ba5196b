"""An open line to one API server over which calls go; opened with the first call, and again when the
credentials have run out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from replank.domain.errors import Refused
from replank.ports.receipts import receipt
from replank.transports.kubernetes.call import EXTENSION, Call
from replank.transports.kubernetes.call_transport import CallTransport
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.errors import not_understood
from replank.transports.kubernetes.transport import Limits


@dataclass(slots=True, eq=False)
class _Opened:
    """`busy`: calls that are on it now."""

    transport: CallTransport
    client: httpx2.AsyncClient
    busy: int = 0


class Line:
    """`connect`: reads the kubeconfig and runs its exec plugin; asked again once after a 401, so that tokens
    and certificates that expire during a long takeover are renewed. `fence`: see `CallTransport`.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], *, limits: Limits, fence: Callable[[], None]
    ) -> None:
        self._connect = connect
        self._limits = limits
        self._fence = fence
        self._opened: list[_Opened] = []
        self._opening = asyncio.Lock()

    async def aclose(self) -> None:
        """Closes all connections."""
        for opened in self._opened:
            await opened.transport.aclose()
        self._opened.clear()

    async def send(self, call: Call) -> httpx2.Response:
        """The answer. Raises `ReplankError`."""
        opened = await self._line(None)
        try:
            response = await self._request(opened, call)
        except Refused as error:
            if error.code != "RP052":
                raise
            # Nothing was done: 401 comes before everything else.
            response = await self._request(await self._line(opened), call)
        finally:
            await self._close_old()
        if call.writes:
            receipt(f"{call.method} {call.path.lstrip('/')} {response.headers.get('Audit-Id', '')}".strip())
        return response

    async def json(self, call: Call) -> dict[str, Any]:
        """The JSON object of the answer. Raises `ReplankError`."""
        response = await self.send(call)
        try:
            document = json.loads(response.content)
        except (ValueError, RecursionError) as error:
            raise self._strange(call) from error
        if not isinstance(document, dict):
            raise self._strange(call)
        return document

    async def _line(self, failed: _Opened | None) -> _Opened:
        """The newest line; a new one where there is none, or the newest is `failed`."""
        async with self._opening:
            if not self._opened or self._opened[-1] is failed:
                connection = await self._connect()
                transport = CallTransport(connection, self._limits, self._fence)
                client = httpx2.AsyncClient(
                    base_url=connection.server,
                    transport=transport,
                    trust_env=False,
                    timeout=self._limits.timeout_s,
                )
                self._opened.append(_Opened(transport, client))
            return self._opened[-1]

    async def _close_old(self) -> None:
        """A process that runs for months meets many a 401. Calls of other tasks may still be on old lines."""
        for opened in [old for old in self._opened[:-1] if not old.busy]:
            self._opened.remove(opened)
            await opened.transport.aclose()

    async def _request(self, opened: _Opened, call: Call) -> httpx2.Response:
        content = None if call.content is None else json.dumps(call.content).encode()
        headers = {"Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = call.content_type
        opened.busy += 1
        try:
            return await opened.client.request(
                call.method,
                call.path,
                params=call.query or None,
                headers=headers,
                content=content,
                extensions={EXTENSION: call},
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._strange(call) from error
        finally:
            opened.busy -= 1

    def _strange(self, call: Call) -> Refused:
        return not_understood(call.what, "the answer cannot be read", "")
