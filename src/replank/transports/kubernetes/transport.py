"""The one place through which every request to an API server goes.

It adds the credentials, counts, tries again where that helps, and turns everything that is not a good answer
into a `ReplankError`; lightkube above it sees good answers only.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_random_exponential

from replank.domain.errors import Refused
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.errors import (
    Retryable,
    describe,
    not_understood,
    refusal,
    too_slow,
    translate,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one API server's survey, times in seconds.

    `timeout_s`: for a connection, and for each piece of an answer. `answer_s`: for a whole answer.
    `attempts`: at 429, 502, 503, 504 and cut lines; between them a random pause of `pause_s` doubled each
    time, at most `longest_pause_s`. Who asks for more (Retry-After) is not waited for. `parallel`: requests
    at once. `page`: objects in one page of a listing. `exec_timeout_s`: for an exec plugin.
    """

    timeout_s: float = 15.0
    answer_s: float = 90.0
    attempts: int = 4
    pause_s: float = 0.5
    longest_pause_s: float = 20.0
    parallel: int = 6
    page: int = 500
    exec_timeout_s: float = 30.0


class ApiTransport(httpx2.AsyncBaseTransport):
    """httpx2 transport to one API server.

    `requests`: sent so far, repetitions included. `certificate`: the first certificate (DER) that the server
    presented, None before the first answer and with plain HTTP.
    """

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.requests = 0
        self.certificate: bytes | None = None
        self._connection = connection
        self._limits = limits
        self._slots = asyncio.Semaphore(limits.parallel)
        self._pause = wait_random_exponential(multiplier=limits.pause_s, max=limits.longest_pause_s)
        self._inner = httpx2.AsyncHTTPTransport(
            verify=connection.tls or False,
            trust_env=False,
            limits=httpx2.Limits(max_connections=limits.parallel),
            proxy=_proxy(connection),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, 2xx and wholly read. Raises `ReplankError` RP052 to RP059."""
        # A header may stand there several times (Impersonate-Group), so they are not set one by one.
        request.headers = httpx2.Headers([*request.headers.multi_items(), *self._connection.headers_now()])
        if name := self._connection.fact.tls_server_name:
            request.extensions = {**request.extensions, "sni_hostname": name}
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._limits.attempts),
            wait=self._wait,
            retry=retry_if_exception(self._is_worth_waiting),
            reraise=True,
        )
        async with self._slots:
            return await retrying(self._once, request)

    async def _once(self, request: httpx2.Request) -> httpx2.Response:
        where = self._connection.server
        verb, resource = describe(request.url.path, where)
        what = f"The API server did not {verb} {resource}"
        response = await self._exchange(request, what)
        if not response.is_success:
            raise refusal(response, verb, resource, what, where)
        if "json" not in response.headers.get("Content-Type", ""):
            raise not_understood(what, "the answer is not JSON", where)
        return response

    async def _exchange(self, request: httpx2.Request, what: str) -> httpx2.Response:
        """One request and its whole answer, whatever its status. Raises `ReplankError` RP052 to RP059."""
        self.requests += 1
        where = self._connection.server
        try:
            async with asyncio.timeout(self._limits.answer_s):
                response = await self._inner.handle_async_request(request)
                self._keep_certificate(response)
                await response.aread()
                await response.aclose()
        except TimeoutError as error:
            raise too_slow(what, where) from error
        except httpx2.HTTPError as error:
            raise translate(error, what, where) from error
        return response

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._inner.aclose()

    def _keep_certificate(self, response: httpx2.Response) -> None:
        stream = response.extensions.get("network_stream")
        tls = stream.get_extra_info("ssl_object") if stream is not None else None
        if tls is not None and self.certificate is None:
            self.certificate = tls.getpeercert(binary_form=True)

    def _is_worth_waiting(self, error: BaseException) -> bool:
        return isinstance(error, Retryable) and (error.retry_after_s or 0.0) <= self._limits.longest_pause_s

    def _wait(self, state: RetryCallState) -> float:
        """At least what the server asked for; the random part keeps many surveys from coming at once."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, Retryable) else None
        return (asked or 0.0) + float(self._pause(state))


class MetadataTransport(httpx2.AsyncBaseTransport):
    """Asks for nothing but metadata: so not even the API server sends a Secret's data.

    Without a second choice in the Accept header a server that cannot do it answers 406
    (kubernetes, staging/src/k8s.io/apiserver/pkg/endpoints/handlers/negotiation).
    """

    ACCEPT = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    # Only a list without items can match: inside a JSON text the quotes would have backslashes, and metadata
    # has no key of that name with a null.
    _NO_ITEMS = re.compile(rb'"items":\s*null')

    def __init__(self, inner: ApiTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """As `ApiTransport`, with `[]` for the null that the API server writes for an empty list of metadata.

        lightkube wants a list (apiserver, pkg/endpoints/handlers/response.go, asPartialObjectMetadataList).
        """
        request.headers["Accept"] = self.ACCEPT
        response = await self._inner.handle_async_request(request)
        content, empty = self._NO_ITEMS.subn(b'"items":[]', response.content, count=1)
        if not empty:
            return response
        kind = response.headers["Content-Type"]
        return httpx2.Response(response.status_code, headers={"Content-Type": kind}, content=content)


def _proxy(connection: Connection) -> httpx2.Proxy | None:
    if not connection.proxy:
        return None
    try:
        return httpx2.Proxy(connection.proxy)
    except (ValueError, httpx2.InvalidURL) as error:
        raise Refused(
            "RP050",
            "The proxy of the kubeconfig or the environment cannot be used",
            "its URL cannot be read",
            "Correct proxy-url, or HTTPS_PROXY in the environment.",
        ) from error
