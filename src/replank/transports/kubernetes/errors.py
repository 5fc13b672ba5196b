"""What httpx2 and an API server's answers mean for the operator.

`what` names verb and resource, `why` is in replank's own words: the texts of servers and operating systems
hold ports and times, and sometimes more.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2

from replank.domain.errors import Refused, ReplankError, Transient

# OpenSSL's X509_V_ERR_*.
_EXPIRED = (10,)
_MISMATCH = (62, 64)


class NotFound(Refused):
    """The API server knows no such object or kind: 404 with a Status document, or its own page."""


class Retryable(Transient):
    """Worth another try right away, within the limits of the policy."""


class ListExpired(Transient):
    """410: the continue token of a listing is too old; the listing starts again."""


def translate(error: httpx2.HTTPError, what: str, where: str) -> ReplankError:
    """The error for a request that got no usable answer. `what`: "Listing nodes failed"."""
    chain = list(_chain(error))
    for link in chain:
        # "Wants to read" is how a TLS connection waits; what ended the wait stands elsewhere in the chain.
        waiting = isinstance(link, ssl.SSLWantReadError | ssl.SSLWantWriteError)
        if isinstance(link, ssl.SSLError) and not waiting:
            return _tls(link, what, where)
    if isinstance(error, httpx2.ProxyError):
        why, todo = "the proxy refused to connect", "Check the proxy in the kubeconfig or the environment."
        return Transient("RP055", what, why, todo, where=where)
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        why = "no connection came about in time"
        return Transient("RP055", what, why, "Check route, firewall and security group.", where=where)
    if isinstance(error, httpx2.TimeoutException):
        why = "the API server took the request and did not answer in time"
        return Transient("RP056", what, why, "Look at the API server and try again.", where=where)
    if isinstance(error, httpx2.ConnectError):
        why, todo = _unreachable(chain)
        return Transient("RP055", what, why, todo, where=where)
    if isinstance(error, httpx2.DecodingError):
        return not_understood(what, "its encoding cannot be read", where)
    why = "the line was cut in the middle of the answer"
    return Retryable("RP056", what, why, "Look at the API server and what lies before it.", where=where)


def too_slow(what: str, where: str) -> Transient:
    """An answer that dribbles."""
    why = "the answer did not end in time"
    return Transient("RP056", what, why, "Look at the API server and the line to it.", where=where)


def refusal(response: httpx2.Response, verb: str, resource: str, what: str, where: str) -> ReplankError:
    """The error for an answer other than 2xx."""
    status = response.status_code
    if status == 401:
        why = "the API server does not accept the credentials (401)"
        todo = "They are wrong or have expired: take a new kubeconfig."
        return Refused("RP052", what, why, todo, where=where)
    if status == 403:
        why = f"the user may not {verb} {resource} (403)"
        todo = "Grant what `replank permissions` prints."
        return Refused("RP053", what, why, todo, where=where)
    if status == 410:
        return ListExpired("RP057", what, "the listing took too long (410)", "Try again.", where=where)
    if status in (404, 406) and (_is_status(response) or _is_not_served(response)):
        why = f"the API server does not know it ({status})"
        return NotFound("RP058", what, why, "Check what the cluster serves.", where=where)
    if status == 429 or status >= 500:
        kind = Retryable if status in (429, 502, 503, 504) else Transient
        why = "it asks to wait (429)" if status == 429 else f"the API server failed ({status})"
        todo = "Look at the API server and try again."
        return kind("RP057", what, why, todo, where=where, retry_after_s=retry_after(response))
    return not_understood(what, f"the answer has status {status}", where)


def not_understood(what: str, why: str, where: str) -> Refused:
    """The error for an answer that no Kubernetes API server gives."""
    todo = "Check that the server of the kubeconfig is a Kubernetes API and nothing stands in for it."
    return Refused("RP059", what, why, todo, where=where)


def describe(path: str, base: str) -> tuple[str, str]:
    """Verb and resource of a GET, as RBAC names them: ("list", "pods.apps in namespace shop").

    `base`: path of the server's URL, not a part of the API (as Rancher has it).
    """
    parts = [part for part in path.removeprefix(urlsplit(base).path).split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return "get", "/" + "/".join(parts)
    place = ""
    if rest[0] == "namespaces" and len(rest) > 2:
        place, rest = f" in namespace {rest[1]}", rest[2:]
    resource = f"{rest[0]}.{group}" if group else rest[0]
    if len(rest) > 1:
        return "get", f"{resource} {rest[1]}{place}"
    return "list", f"{resource}{place}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that caused it; anyio groups the errors of several addresses."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


def _unreachable(chain: list[BaseException]) -> tuple[str, str]:
    if any(isinstance(link, socket.gaierror) for link in chain):
        return "its name cannot be resolved", "Check the name, DNS, or the VPN that knows it."
    if any(isinstance(link, ConnectionRefusedError) for link in chain):
        return (
            "nothing listens there (connection refused)",
            "Check the address, and that the API server runs.",
        )
    return "it cannot be reached", "Check address, route and firewall."


def _tls(error: ssl.SSLError, what: str, where: str) -> ReplankError:
    reason = error.reason or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _MISMATCH:
            why = "the server's certificate is not for this name or address"
            todo = "Set tls-server-name in the kubeconfig, or use an address that is among its SANs."
        elif error.verify_code in _EXPIRED:
            why = "the server's certificate has expired"
            todo = "Renew it with `kubeadm certs renew apiserver` on the control planes."
        else:
            why = "the server's certificate is not signed by the authority that the kubeconfig names"
            todo = "Take the CA certificate from the cluster; do not switch the check off."
        return Refused("RP054", what, why, todo, where=where)
    if "ALERT" in reason and any(word in reason for word in ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")):
        why = "the server does not accept the client certificate"
        todo = "It has expired or comes from another authority: take a new kubeconfig."
        return Refused("RP052", what, why, todo, where=where)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        why, todo = "what answers there does not speak TLS", "Check address and port in the kubeconfig."
        return Refused("RP054", what, why, todo, where=where)
    if isinstance(error, ssl.SSLEOFError) or "EOF" in reason:
        why = "the line was cut during TLS"
        return Retryable("RP056", what, why, "Look at what lies before the API server.", where=where)
    return Refused("RP054", what, "no TLS connection came about", "Check versions and ciphers.", where=where)


def _is_status(response: httpx2.Response) -> bool:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("kind") == "Status"


def _is_not_served(response: httpx2.Response) -> bool:
    """Whether it is what API servers give for groups, versions and custom kinds that nobody serves: Go's own
    page (net/http, NotFound; seen of kube-apiserver v1.35), and no Status."""
    return response.status_code == 404 and response.content == b"404 page not found\n"


def retry_after(response: httpx2.Response) -> float | None:
    """Seconds; the form with a date is not used by API servers and is ignored."""
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None
