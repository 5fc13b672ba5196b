"""Commands in pods: `pods/exec` of the Kubernetes API over WebSocket, with the kubeconfig's login."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from replank.inventory.fleet.model import KubeconfigRef
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.source import opened
from replank.transports.node_pod.channels import VERSIONS
from replank.transports.node_pod.failures import handshake_failure
from replank.transports.node_pod.process import PodProcess

_OPENS_WITHIN_S: Final = 20.0
_PING_S: Final = 20.0
"""Between pings: a command may be silent for an hour, and what lies between forgets silent connections."""
_PONG_S: Final = 120.0
"""A server that hands stdin to a slow disk answers late: it reads the next frame when the last one is taken
(kubernetes, apimachinery, pkg/util/httpstream/wsstream)."""
_EXEC_PLUGIN_S: Final = 30.0
_FAILURES: Final = (WebSocketException, OSError, ImportError)

# At DEBUG the library logs the handshake's headers, and they hold the login.
_SILENT: Final = logging.getLogger(f"{__name__}.websockets")
_SILENT.setLevel(logging.CRITICAL + 1)


class PodExecs:
    """One API server. The kubeconfig is read, and its exec plugin run, with the first command, and again
    after a 401."""

    def __init__(self, kubeconfig: KubeconfigRef, *, clock: Callable[[], datetime]) -> None:
        self._kubeconfig = kubeconfig
        self._clock = clock
        self._connection: Connection | None = None
        self._opening = asyncio.Lock()

    async def start(
        self, host: str, namespace: str, pod: str, command: Sequence[str], *, fed: int | None
    ) -> PodProcess:
        """`command`, without a shell, in the pod's only container. `host`: the Node, for messages. `fed`: as
        `HostShell.start`.

        Raises `ReplankError` RP050 to RP055, RP977, `Transient` RP975.
        """
        connection = await self._open(None)
        try:
            return await self._once(connection, namespace, pod, command, fed)
        except InvalidStatus as error:
            if error.response.status_code != 401:
                raise handshake_failure(error, host, connection.server) from error
        except _FAILURES as error:
            raise handshake_failure(error, host, connection.server) from error
        connection = await self._open(connection)
        try:
            return await self._once(connection, namespace, pod, command, fed)
        except _FAILURES as error:
            raise handshake_failure(error, host, connection.server) from error

    async def _open(self, failed: Connection | None) -> Connection:
        async with self._opening:
            if self._connection is None or self._connection is failed:
                self._connection = await opened(
                    self._kubeconfig, clock=self._clock, exec_timeout_s=_EXEC_PLUGIN_S
                )
            return self._connection

    async def _once(
        self, connection: Connection, namespace: str, pod: str, command: Sequence[str], fed: int | None
    ) -> PodProcess:
        asked = [("command", word) for word in command]
        asked += [("stdin", "true")] if fed is not None else []
        asked += [("stdout", "true"), ("stderr", "true")]
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/exec?{urlencode(asked)}"
        secure = connection.tls is not None
        more: dict[str, Any] = {"ssl": connection.tls} if secure else {}
        if secure and connection.fact.tls_server_name:
            more["server_hostname"] = connection.fact.tls_server_name
        return PodProcess(
            await _Connect(
                f"{'wss' if secure else 'ws'}://{connection.server.partition('://')[2]}{path}",
                additional_headers=list(connection.headers_now()),
                subprotocols=[Subprotocol(version) for version in VERSIONS],
                proxy=connection.proxy or None,
                compression=None,
                user_agent_header=None,
                open_timeout=_OPENS_WITHIN_S,
                ping_interval=_PING_S,
                ping_timeout=_PONG_S,
                create_connection=_Negotiated,
                logger=_SILENT,
                **more,
            ),
            fed=fed or 0,
        )


class _Negotiated(ClientConnection):
    """Without a version nobody knows what the bytes mean: v1 has no exit status."""

    async def handshake(self, *arguments: Any, **named: Any) -> None:
        await super().handshake(*arguments, **named)
        if self.subprotocol not in VERSIONS:
            raise InvalidHandshake("none of the versions was agreed upon")


class _Connect(connect):
    """An API server sends nobody elsewhere, and the login is for it alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc
