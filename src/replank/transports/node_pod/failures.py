"""What can go wrong on the way into a pod, as replank's errors. Texts hold no addresses and no times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx2
from websockets.exceptions import InvalidProxy, InvalidStatus, ProxyError, WebSocketException

from replank.domain.errors import Refused, ReplankError, Transient
from replank.inventory.node_pods import NAMESPACE
from replank.transports.kubernetes.errors import refusal, translate

_ANSWERS: Final[Mapping[int, str]] = {
    400: "its container does not run (yet)",
    404: "it is gone, or its container does not run (yet)",
    429: "the API server asks to wait",
}


def lost(host: str, why: str) -> Transient:
    """A command on `host` of which nobody knows how it ended."""
    return Transient(
        "RP975",
        f"The connection to the pod on {host} broke off",
        why,
        "It is asked again; what the node does by itself goes on. If it stays so, look at the pods in "
        f"{NAMESPACE} and at the node's kubelet.",
    )


def handshake_failure(error: Exception, host: str, where: str) -> ReplankError:
    """The error for an exec that did not begin. `host`: the Node's name; `where`: the API server's URL."""
    what = f"No command could be run in the pod on {host}"
    if isinstance(error, InvalidStatus):
        return _refused(error, host, what, where)
    if isinstance(error, InvalidProxy):
        return Refused(
            "RP050",
            "The proxy of the kubeconfig or the environment cannot be used",
            "its URL cannot be read",
            "Correct proxy-url, or HTTPS_PROXY in the environment.",
        )
    if isinstance(error, ProxyError):
        return translate(httpx2.ProxyError(""), what, where)
    if isinstance(error, WebSocketException):
        return Refused(
            "RP977",
            what,
            "what answers does not speak WebSocket as an API server does",
            "Something stands before the API server that does not pass WebSockets on: have it do so, or name "
            "another way in the kubeconfig, or `ssh` in fleet.yaml.",
            where=where,
        )
    if isinstance(error, ImportError):
        return Refused(
            "RP977",
            what,
            "a SOCKS proxy needs Python's package python-socks[asyncio]",
            "Install it beside replank.",
            where=where,
        )
    wrapped = (httpx2.ConnectTimeout if isinstance(error, TimeoutError) else httpx2.ConnectError)("")
    wrapped.__cause__ = error
    return translate(wrapped, what, where)


def _refused(error: InvalidStatus, host: str, what: str, where: str) -> ReplankError:
    status = error.response.status_code
    if status in (401, 403):
        response = httpx2.Response(status, content=bytes(error.response.body or b""))
        return refusal(response, "get or create", f"pods/exec in namespace {NAMESPACE}", what, where)
    if status < 300 or 300 <= status < 400 or status in (405, 406, 426):
        return Refused(
            "RP977",
            what,
            f"the answer to the WebSocket's handshake has status {status}",
            "Something stands before the API server that does not pass WebSockets on: have it do so, or name "
            "another way in the kubeconfig, or `ssh` in fleet.yaml.",
            where=where,
        )
    return lost(host, _ANSWERS.get(status, f"the API server did not reach the node's kubelet ({status})"))
