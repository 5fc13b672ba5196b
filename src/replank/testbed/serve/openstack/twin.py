"""The OpenStack twin's HTTP server: one thread, one event loop, one port for all projects."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence

from aiohttp import web

from replank.testbed.serve.openstack import services
from replank.testbed.serve.openstack.faults import Fault
from replank.testbed.serve.openstack.keystone import (
    AppCredential,
    Keystone,
    identity_version,
    identity_versions,
)
from replank.testbed.serve.thread import ServingThread
from replank.testbed.serve.tls import load_certificate
from replank.testbed.world import Document, Project


class OpenStackTwin(ServingThread):
    """Serves projects while it is open; see the package's docstring for the documents it expects.

    `tls`: certificate and key as PEM texts, the certificate for 127.0.0.1. `page_size`: the most that one
    page of a listing holds (Nova's and Cinder's default is 1000). `application_credentials`: by ID.
    `faults` may be changed while the twin runs.
    """

    def __init__(
        self,
        projects: Sequence[Project],
        *,
        tls: tuple[str, str] | None = None,
        page_size: int = 1000,
        application_credentials: Mapping[str, AppCredential] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__("openstack-twin")
        self.faults: list[Fault] = []
        self.page_size = page_size
        self.requests: Counter[str] = Counter()
        self.port = 0
        self._projects = projects
        self._host = host
        self._tls = tls
        self._keystone = Keystone(projects, application_credentials or {})

    @property
    def base_url(self) -> str:
        """URL of the port."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    @property
    def auth_url(self) -> str:
        """For clouds.yaml."""
        return f"{self.base_url}/identity/v3"

    @property
    def request_count(self) -> int:
        """Requests so far, over all services. `requests` has them by service."""
        return sum(self.requests.values())

    def revoke_tokens(self) -> None:
        """No token issued so far is good any more."""
        self._keystone.tokens.clear()

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, self._host, 0, ssl_context=self._ssl_context())
            await site.start()
            self.port = runner.addresses[0][1]
            await self._hold()
        finally:
            await runner.cleanup()

    def _ssl_context(self) -> ssl.SSLContext | None:
        if self._tls is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        load_certificate(context, *self._tls)
        return context

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        service, region, path = _locate(request.path)
        self.requests[service] += 1
        for fault in list(self.faults):
            if fault.takes(service, path):
                return await self._fail(fault, request)
        if service == "identity":
            return await self._identity(request, path)
        handler = services.HANDLERS.get(service)
        if handler is None:
            return _json(404, {"error": {"code": 404, "message": "Not found"}})
        if request.method not in ("GET", "HEAD"):
            return _json(403, {"error": {"code": 403, "message": "This twin only reads"}})
        project = self._keystone.project_of(request.headers.get("X-Auth-Token", ""), region)
        if project is None and path not in services.OPEN_PATHS[service]:
            challenge = {"WWW-Authenticate": f"Keystone uri='{self.base_url}/identity'"}
            return _json(401, {"error": {"code": 401, "message": "Unauthorized"}}, challenge)
        root = f"{self.base_url}/{region}/{service}"
        answer = handler(
            services.Call(
                project=project,
                root=root,
                url=root + path,
                path=path,
                query=dict(request.query),
                page_size=self.page_size,
            )
        )
        return _json(answer.status, answer.body, answer.headers)

    async def _identity(self, request: web.Request, path: str) -> web.StreamResponse:
        if path == "":
            return _json(300, identity_versions(self.base_url))
        if path == "/v3":
            return _json(200, identity_version(self.base_url))
        if path == "/v3/auth/tokens" and request.method == "POST":
            issued = self._keystone.authenticate(await request.json(), self.base_url)
            if issued is None:
                text = "The request you have made requires authentication."
                return _json(401, {"error": {"code": 401, "message": text, "title": "Unauthorized"}})
            return _json(201, issued[1], {"X-Subject-Token": issued[0], "Vary": "X-Auth-Token"})
        return _json(404, {"error": {"code": 404, "message": "Not found"}})

    async def _fail(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.kind == "hang":
            await self._until_stopped()
        if fault.kind == "cut":
            response = web.StreamResponse(
                headers={"Content-Type": "application/json", "Content-Length": "4096"}
            )
            with contextlib.suppress(ConnectionError):
                await response.prepare(request)
                await response.write(b'{"')
            if request.transport is not None:
                request.transport.abort()
            return response
        if fault.kind == "garbage":
            return web.Response(text="<html>It works</html>", content_type="text/html")
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return _json(
            fault.status, {"error": {"code": fault.status, "message": "A fault of the twin"}}, headers
        )


def _locate(path: str) -> tuple[str, str, str]:
    """Service, region and the rest of a path, without a slash at its end."""
    parts = path.strip("/").split("/")
    if parts[0] == "identity":
        return "identity", "", "".join(f"/{p}" for p in parts[1:])
    region = parts[0]
    service = parts[1] if len(parts) > 1 else ""
    return service, region, "".join(f"/{p}" for p in parts[2:])


def _json(status: int, body: Document, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers or {}
    )
