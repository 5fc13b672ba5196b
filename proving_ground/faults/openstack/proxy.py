"""The proxy: one port for all of OpenStack's APIs, a path prefix each (`/compute/v2.1/servers`), as many real
clouds have it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
import yaml
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from proving_ground.cloud import bootstrap, ports
from proving_ground.cloud.passwords import write_private
from proving_ground.faults.openstack.links import led, rewritten
from proving_ground.faults.openstack.rules import (
    Action,
    Answer,
    CutBefore,
    Delay,
    Hang,
    LoseAnswer,
    Rule,
    choose,
)
from proving_ground.settings import CLOUD_ADDRESS, Folders
from replank.testbed.serve.thread import ServingThread

_DROPPED = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect")
) | {"host", "content-length", "accept-encoding"}
"""Headers that belong to one connection (RFC 9110, 7.6.1), and those that aiohttp sets anew. Compressed
answers could not be read."""

_LARGEST = 1 << 30
_UPSTREAM_S = 600.0


@dataclass(slots=True)
class Request:
    """One request, filled in as it goes on. No headers, no query, no body: they hold tokens and user data.

    `began`: Unix time in seconds. `path`: as the service sees it. `fault`: what a rule did to it.
    `passed_on`: the status that OpenStack answered; None = it did not, or was not asked. `status`: the status
    that the client was told; None = nothing (yet). `request_id`: OpenStack's, to find it in its logs.
    """

    began: float
    service: str
    method: str
    path: str
    fault: Action | None = None
    passed_on: int | None = None
    status: int | None = None
    request_id: str = ""


class OpenStackProxy(ServingThread):
    """Serves while it is open.

    `upstreams`: type in the catalogue -> origin of its API (`http://host:port`). `clouds`: text of a
    clouds.yaml; `clouds_yaml` is the same below `folder` with every `auth_url` led through the proxy, and as
    secret. `rules` and `requests` may be changed at any time, and are read from the test's thread.
    """

    def __init__(
        self, upstreams: Mapping[str, str], clouds: str, folder: Path, address: str = "127.0.0.1"
    ) -> None:
        super().__init__("openstack-proxy")
        self.rules: list[Rule] = []
        self.requests: list[Request] = []
        self.clouds_yaml = folder / "clouds.yaml"
        self._clouds = clouds
        self._upstreams = upstreams
        self._address = address
        self._port = 0

    @property
    def auth_url(self) -> str:
        """Keystone's address through the proxy."""
        return f"{self._url('identity')}/v3"

    def __enter__(self) -> Self:
        super().__enter__()
        document = yaml.safe_load(self._clouds)
        for cloud in document["clouds"].values():
            cloud["auth"]["auth_url"] = led(cloud["auth"]["auth_url"], self._origins())
        write_private(self.clouds_yaml, yaml.safe_dump(document, sort_keys=False))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clouds_yaml.unlink(missing_ok=True)
        super().__exit__(kind, error, trace)

    def _url(self, service: str) -> str:
        return f"http://{self._address}:{self._port}/{service}"

    def _origins(self) -> dict[str, str]:
        return {origin: self._url(service) for service, origin in self._upstreams.items()}

    async def _serve(self) -> None:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        # A connection each: on a kept one, OpenStack's closing it would be a fault that no rule asked for.
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=_UPSTREAM_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        try:
            async with self._client:
                site = web.TCPSite(runner, self._address, 0)
                await site.start()
                self._port = runner.addresses[0][1]
                await self._hold()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        service, _, rest = request.raw_path.lstrip("/").partition("/")
        path = f"/{rest.partition('?')[0]}"
        seen = Request(time.time(), service, request.method, path)
        self.requests.append(seen)
        if service not in self._upstreams:
            seen.status = 404
            return web.Response(status=404, text=f"The proxy stands in front of no service {service!r}.\n")
        body = await request.read()
        seen.fault = choose(list(self.rules), service, request.method, path)
        match seen.fault:
            case Answer(status, retry_after_s):
                seen.status = status
                return _refusal(status, retry_after_s)
            case CutBefore():
                return _cut(request)
            case Hang():
                await self._until_stopped()
                return _cut(request)
            case Delay(seconds):
                await asyncio.sleep(seconds)
        try:
            answer = await self._pass_on(seen, request, rest, body)
        except aiohttp.ClientError:
            return _cut(request)  # the nearest to what the client would have seen of OpenStack itself
        if isinstance(seen.fault, LoseAnswer):
            return _cut(request)
        seen.status = answer.status
        return answer

    async def _pass_on(self, seen: Request, request: web.Request, rest: str, body: bytes) -> web.Response:
        url = URL(f"{self._upstreams[seen.service]}/{rest}", encoded=True)
        async with self._client.request(
            request.method, url, headers=_kept(request.headers), data=body or None, allow_redirects=False
        ) as answer:
            content = await answer.read()
        seen.passed_on = answer.status
        seen.request_id = answer.headers.get("X-Openstack-Request-Id", "")
        origins = self._origins()
        headers = _kept(answer.headers)
        if "Location" in headers:
            headers["Location"] = led(headers["Location"], origins)
        if answer.content_type == "application/json":
            content = rewritten(content, origins)
        return web.Response(status=answer.status, body=content, headers=headers)


@contextmanager
def openstack_proxy(folders: Folders) -> Iterator[OpenStackProxy]:
    """The ground's cloud, with faults on demand, for this host's programs and for every machine.

    Clients come in by `proxy.clouds_yaml` (the same clouds as `folders.clouds_yaml`) and stay behind it: the
    catalogue in Keystone's answers leads to the proxy. OpenStack's services do not go through it when they
    talk to one another. With no rules it changes nothing:

        with openstack_proxy(folders) as proxy:
            proxy.rules.append(Rule(LoseAnswer(), "compute", "POST", r"/servers$", times=1))
    """
    upstreams = {kind: ports.url(name) for kind, (name, _path) in bootstrap.CATALOGUE.items()}
    upstreams["identity"] = ports.url("keystone")
    folder = Path(tempfile.mkdtemp(prefix="openstack-proxy-", dir=folders.state))
    try:
        with OpenStackProxy(upstreams, folders.clouds_yaml.read_text(), folder, CLOUD_ADDRESS) as proxy:
            yield proxy
    finally:
        shutil.rmtree(folder)


def _kept(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _DROPPED)


def _refusal(status: int, retry_after_s: int | None) -> web.Response:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    error = {
        "code": status,
        "title": "A fault",
        "message": "The fault proxy answers; OpenStack was not asked.",
    }
    return web.json_response({"error": error}, status=status, headers=headers)


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()  # goes nowhere
