"""`pods/exec` of a twin: commands in pods over WebSocket, as kubelets answer them.

Versions v4 and v5 of the protocol (kubernetes, apimachinery/pkg/util/remotecommand). On v4 nobody can tell a
command that its stdin has ended. On v5 the status comes before the rest of the output, as it may where the
API server copies each channel by itself.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import WSMsgType, web

from replank.testbed.serve.kubernetes.access import Denied
from replank.testbed.serve.kubernetes.store import Answer, status_document

if TYPE_CHECKING:
    from replank.testbed.serve.kubernetes.twin import ServedApi

V4: Final = "v4.channel.k8s.io"
V5: Final = "v5.channel.k8s.io"
_PATH: Final = re.compile(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)/exec")
_PIECE: Final = 32 * 1024
_STDIN, _STDOUT, _STDERR, _STATUS, _CLOSE = 0, 1, 2, 3, 255


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left. `cut`: the connection breaks off before its end is told. `broken`: the runtime
    could not run it, in its words."""

    status: int = 0
    stdout: bytes = b""
    stderr: bytes = b""
    cut: bool = False
    broken: str = ""


@dataclass(slots=True)
class Stdin:
    """What comes for a command."""

    socket: web.WebSocketResponse
    data: bytearray = field(default_factory=bytearray)
    ended: bool = False

    async def take(self, size: int) -> bytes:
        """Waits for so many bytes, or the end."""
        while len(self.data) < size and not self.ended:
            message = await self.socket.receive()
            if message.type != WSMsgType.BINARY:
                self.ended = True
            elif message.data[:1] == bytes((_STDIN,)):
                self.data += message.data[1:]
            elif message.data == bytes((_CLOSE, _STDIN)):
                self.ended = True
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken


Run = Callable[[str, str, Sequence[str], Stdin], Awaitable[Ran]]
"""Namespace and name of a pod that runs, the command, and what comes for it."""


@dataclass(slots=True)
class PodExecServer:
    """`refuses`: why the kubelet cannot run anything in a pod now, "" = it can. `versions`: spoken here."""

    run: Run
    refuses: Callable[[str, str], str]
    versions: tuple[str, ...] = (V5, V4)
    spoken: list[str] = field(default_factory=list)
    """The version of each command so far."""

    def takes(self, path: str) -> bool:
        """Whether it is one of its own."""
        return _PATH.fullmatch(path) is not None

    async def serve(self, request: web.Request, served: ServedApi) -> web.StreamResponse:
        """Runs the command, or says why not."""
        found = _PATH.fullmatch(request.path)
        assert found is not None
        namespace, pod = found.groups()
        for catch_up in served.controllers:
            catch_up()
        refusal = self._refusal(namespace, pod, served, request)
        if refusal is not None:
            kind = {"Content-Type": refusal.content_type}
            return web.Response(status=refusal.status, body=refusal.body, headers=kind)
        socket = web.WebSocketResponse(protocols=self.versions)
        await socket.prepare(request)
        self.spoken.append(socket.ws_protocol or "")
        ran = await self.run(namespace, pod, request.query.getall("command"), Stdin(socket))
        if ran.cut and request.transport is not None:
            request.transport.abort()
            return socket
        await _tell(socket, ran)
        await socket.close()
        return socket

    def _refusal(self, namespace: str, pod: str, served: ServedApi, request: web.Request) -> Answer | None:
        denied: Sequence[Denied] = served.denied
        if any(right.hits("get", "pods/exec", namespace) for right in denied):
            message = (
                f'pods "{pod}" is forbidden: User "{served.user(request)}" cannot get resource "pods/exec" '
                f'in API group "" in the namespace "{namespace}"'
            )
            return status_document(403, "Forbidden", message)
        if served.objects.get("", "Pod", namespace, pod) is None:
            return status_document(404, "NotFound", f'pods "{pod}" not found')
        why = self.refuses(namespace, pod)
        return status_document(500, "InternalError", why) if why else None


async def _tell(socket: web.WebSocketResponse, ran: Ran) -> None:
    async def output() -> None:
        for channel, data in ((_STDOUT, ran.stdout), (_STDERR, ran.stderr)):
            for start in range(0, len(data), _PIECE):
                await socket.send_bytes(bytes((channel,)) + data[start : start + _PIECE])

    status = bytes((_STATUS,)) + json.dumps(_status(ran)).encode()
    if socket.ws_protocol == V5:
        await socket.send_bytes(status)
        await asyncio.sleep(0)
        await output()
        return
    for channel in (_STDOUT, _STDERR, _STATUS):
        await socket.send_bytes(bytes((channel,)))
    await output()
    await socket.send_bytes(status)


def _status(ran: Ran) -> dict[str, object]:
    if ran.broken:
        about = {"status": "Failure", "reason": "InternalError", "message": ran.broken, "code": 500}
        return {"metadata": {}, **about}
    if ran.status == 0:
        return {"metadata": {}, "status": "Success"}
    cause = {"reason": "ExitCode", "message": str(ran.status)}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {ran.status}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [cause]},
    }
