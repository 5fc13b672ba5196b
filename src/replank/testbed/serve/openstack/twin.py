"""The OpenStack twin's HTTP server: one thread, one event loop, one port for all projects."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence

from aiohttp import web

from replank.testbed.serve.openstack import services
from replank.testbed.serve.openstack.application_credentials import AppCredential, AppCredentials
from replank.testbed.serve.openstack.changing import Write
from replank.testbed.serve.openstack.faults import Fault
from replank.testbed.serve.openstack.keystone import (
    Keystone,
    identity_version,
    identity_versions,
    user_id,
)
from replank.testbed.serve.openstack.writing import write
from replank.testbed.serve.thread import ServingThread
from replank.testbed.serve.tls import load_certificate
from replank.testbed.world import Document, Project

_READS = frozenset({"GET", "HEAD"})
_APPLICATION_CREDENTIALS = re.compile(r"/v3/users/(?P<user>[^/]+)/application_credentials(?:/(?P<id>[^/]+))?")


class OpenStackTwin(ServingThread):
    """Serves projects while it is open; see the package's docstring for the documents it expects.

    `tls`: certificate and key as PEM texts, the certificate for 127.0.0.1. `page_size`: the most that one
    page of a listing holds (Nova's and Cinder's default is 1000). `application_credentials`: by ID.
    `faults` may be changed while the twin runs. `nova_version`: the newest microversion of its Nova.
    `writes`: method, service and path of every write that was carried out, in order.
    """

    def __init__(
        self,
        projects: Sequence[Project],
        *,
        tls: tuple[str, str] | None = None,
        page_size: int = 1000,
        application_credentials: Mapping[str, AppCredential] | None = None,
        host: str = "127.0.0.1",
        nova_version: str = services.NOVA_VERSION,
    ) -> None:
        super().__init__("openstack-twin")
        self.faults: list[Fault] = []
        self.page_size = page_size
        self.requests: Counter[str] = Counter()
        self.port = 0
        self._projects = projects
        self._host = host
        self._tls = tls
        self.writes: list[tuple[str, str, str]] = []
        self._nova_version = nova_version
        self._answered = 0
        self._keystone = Keystone(projects, AppCredentials(dict(application_credentials or {})))

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

    @property
    def credentials(self) -> dict[str, AppCredential]:
        """Application credentials that Keystone accepts now, by ID; the living ones."""
        return self._keystone.credentials.known

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
            if fault.takes(service, path, request.method):
                if fault.after:
                    await self._answer(request, service, region, path)
                return await self._fail(fault, request)
        response = await self._answer(request, service, region, path)
        self._answered += 1
        response.headers["x-openstack-request-id"] = f"req-{self._answered:08x}"
        return response

    async def _answer(self, request: web.Request, service: str, region: str, path: str) -> web.StreamResponse:
        if service == "identity":
            return await self._identity(request, path)
        handler = services.HANDLERS.get(service)
        if handler is None:
            return _json(404, {"error": {"code": 404, "message": "Not found"}})
        token = request.headers.get("X-Auth-Token", "")
        project = self._keystone.project_of(token, region)
        if project is None and (request.method not in _READS or path not in services.OPEN_PATHS[service]):
            return self._unauthorized()
        root = f"{self.base_url}/{region}/{service}"
        call = services.Call(
            project=project,
            root=root,
            url=root + path,
            path=path,
            query=dict(request.query),
            page_size=self.page_size,
            nova_version=self._nova_version,
            microversion=_nova_version(request),
        )
        if request.method in _READS:
            answer = handler(call)
        else:
            grant = self._keystone.grant_of(token)
            body = await _body(request)
            roles = grant.roles if grant is not None else ()
            answer = write(service, Write(call, request.method, body, roles))
            self._note(request.method, service, path, answer)
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
        match = _APPLICATION_CREDENTIALS.fullmatch(path)
        if match is None:
            return _json(404, {"error": {"code": 404, "message": "Not found"}})
        token = request.headers.get("X-Auth-Token", "")
        project, grant = self._keystone.project_of(token, ""), self._keystone.grant_of(token)
        if project is None or grant is None:
            return self._unauthorized()
        if match["user"] != user_id(project):
            return _json(403, {"error": {"code": 403, "message": "You are not authorized to do that."}})
        answer = self._keystone.credentials.answer(
            request.method, match["id"] or "", await _body(request), project, grant.credential
        )
        if request.method not in _READS:
            self._note(request.method, "identity", path, answer)
        return _json(answer.status, answer.body, answer.headers)

    def _unauthorized(self) -> web.Response:
        challenge = {"WWW-Authenticate": f"Keystone uri='{self.base_url}/identity'"}
        return _json(401, {"error": {"code": 401, "message": "Unauthorized"}}, challenge)

    def _note(self, method: str, service: str, path: str, answer: services.Answer) -> None:
        if answer.status < 300:
            self.writes.append((method, service, path))

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
        if fault.kind in ("garbage", "page"):
            status = fault.status if fault.kind == "page" else 200
            return web.Response(status=status, text="<html>It works</html>", content_type="text/html")
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        return _json(fault.status, {"error": {"code": fault.status, "message": fault.says}}, headers)


async def _body(request: web.Request) -> Document:
    """The JSON object of a request, {} where it has none."""
    raw = await request.read()
    body = json.loads(raw) if raw else {}
    return body if isinstance(body, dict) else {}


def _nova_version(request: web.Request) -> tuple[int, int]:
    """The microversion that a request asks for; 2.1 without one."""
    match = re.fullmatch(r"compute 2\.([0-9]+)", request.headers.get("OpenStack-API-Version", ""))
    return (2, int(match[1])) if match else (2, 1)


def _locate(path: str) -> tuple[str, str, str]:
    """Service, region and the rest of a path, without a slash at its end."""
    parts = path.strip("/").split("/")
    if parts[0] == "identity":
        return "identity", "", "".join(f"/{p}" for p in parts[1:])
    region = parts[0]
    service = parts[1] if len(parts) > 1 else ""
    return service, region, "".join(f"/{p}" for p in parts[2:])


def _json(status: int, body: Document, headers: Mapping[str, str] | None = None) -> web.Response:
    if status == 204:
        return web.Response(status=status, headers=headers or {})
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers or {}
    )
