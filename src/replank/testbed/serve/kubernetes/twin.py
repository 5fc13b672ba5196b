"""The HTTPS servers of Kubernetes twins: one thread and one event loop for all of them."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import overload

from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import NameOID

from replank.testbed.serve.kubernetes.access import REVIEWS, Denied, forbidden, reviewed, verb_of
from replank.testbed.serve.kubernetes.faults import Fault
from replank.testbed.serve.kubernetes.live import live_objects
from replank.testbed.serve.kubernetes.pod_exec import PodExecServer
from replank.testbed.serve.kubernetes.pod_logs import LOG, log_answer
from replank.testbed.serve.kubernetes.store import Answer, ObjectStore, status_document
from replank.testbed.serve.kubernetes.writes import Writer
from replank.testbed.serve.thread import ServingThread
from replank.testbed.serve.tls import load_certificate
from replank.testbed.world import ApiServer

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME: kube-apiserver accepts the handshake of an expired client certificate
# and answers 401; Python's ssl would break off the handshake.
_NO_CHECK_TIME = 0x200000


class ServedApi:
    """One API server while it is served.

    `faults` and `denied` (rights that nobody has) may be changed while it runs. `requests`: paths that were
    asked for, in order, with their query; `methods`: their methods. `port`: 0 before it is started.
    `unready`: what /readyz answers (500), "" = ok. `logs`: path of a pod -> its log. `objects`: what is
    served, now and after every write; change it in the serving thread alone. `controllers`: called there
    before every answer, with the time: simulated controllers catch up with what has happened since. `execs`:
    who runs commands in pods, None = nobody.
    """

    def __init__(self, api: ApiServer, host: str, port: int) -> None:
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.methods: list[str] = []
        self.denied: list[Denied] = []
        self.controllers: list[Callable[[], None]] = []
        self.execs: PodExecServer | None = None
        self.unready = ""
        self.logs: dict[str, str] = {}
        self.port = port
        self.objects = live_objects(api)
        self.store = ObjectStore(api, self.objects)
        self.writer = Writer(self.objects, self.store)
        self._api = api
        self._host = host

    @property
    def url(self) -> str:
        """For a kubeconfig's `server`."""
        return f"https://{self._host}:{self.port}"

    def let_in(self, request: web.Request) -> bool:
        """True for a certificate of the cluster's CA that has not expired, and for a known token.

        RBAC of a real cluster shows /version to those who present nothing (system:public-info-viewer).
        """
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return token in self._api.tokens
        connection = request.transport.get_extra_info("ssl_object") if request.transport else None
        presented = connection.getpeercert(binary_form=True) if connection else None
        if presented is None:
            return not kind and request.path == "/version"
        return x509.load_der_x509_certificate(presented).not_valid_after_utc > datetime.now(UTC)

    def user(self, request: web.Request) -> str:
        """The name of whoever asks: a certificate's common name, `token` for a token."""
        connection = request.transport.get_extra_info("ssl_object") if request.transport else None
        presented = connection.getpeercert(binary_form=True) if connection else None
        if presented is None:
            return "token"
        subject = x509.load_der_x509_certificate(presented).subject
        names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""

    def answer(self, method: str, path: str, request: web.Request, body: bytes) -> Answer:
        """What the API server makes of a request of somebody whom it knows."""
        for catch_up in self.controllers:
            catch_up()
        if method == "POST" and path in REVIEWS:
            return reviewed(path, body, self.user(request), self.denied)
        place = self.store.place(path)
        if place is not None:
            verb = verb_of(method, place)
            asked = f"{place.right}.{place.group}" if place.group else place.right
            if any(right.hits(verb, asked, place.namespace) for right in self.denied):
                return forbidden(self.user(request), verb, place)
        if method == "GET" and place is not None and place.part == LOG:
            return log_answer(self.logs, path, request.query)
        if method == "GET":
            return self.store.answer(path, request.query, request.headers.get("Accept", ""))
        return self.writer.answer(method, path, request.query, request.content_type, body)

    def ssl_context(self) -> ssl.SSLContext:
        """The server's side: asks for a client certificate and takes those of the cluster's CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self._api.ca_cert)
        context.verify_flags |= _NO_CHECK_TIME
        load_certificate(context, self._api.server_cert, self._api.server_key)
        return context


class KubernetesTwins(ServingThread, Sequence[ServedApi]):
    """Serves API servers while it is open; see the package's docstring for what they must hold.

    `ports`: one for each of `apis`, 0 = any free one.
    """

    def __init__(
        self, apis: Sequence[ApiServer], *, ports: Sequence[int] | None = None, host: str = "127.0.0.1"
    ) -> None:
        super().__init__("kubernetes-twin")
        wanted = ports or [0] * len(apis)
        self._served = [ServedApi(api, host, port) for api, port in zip(apis, wanted, strict=True)]
        self._host = host

    def __len__(self) -> int:
        return len(self._served)

    @overload
    def __getitem__(self, index: int) -> ServedApi: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[ServedApi]: ...
    def __getitem__(self, index: int | slice) -> ServedApi | Sequence[ServedApi]:
        return self._served[index]

    @property
    def request_count(self) -> int:
        """Requests so far, over all API servers."""
        return sum(len(served.requests) for served in self._served)

    async def _serve(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for served in self._served:
                app = web.Application()
                app.router.add_route("*", "/{tail:.*}", partial(self._handle, served))
                runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                site = web.TCPSite(runner, self._host, served.port, ssl_context=served.ssl_context())
                await site.start()
                served.port = runner.addresses[0][1]
            await self._hold()

    async def _handle(self, served: ServedApi, request: web.Request) -> web.StreamResponse:
        served.requests.append(request.path_qs)
        served.methods.append(request.method)
        body = await request.read()
        hit = next((f for f in list(served.faults) if f.takes(request.path, request.method)), None)
        if hit is not None and hit.kind != "lost":
            return await self._fail(hit, request)
        if not served.let_in(request):
            return _response(status_document(401, "Unauthorized", "Unauthorized"))
        path = request.path.rstrip("/")
        if path == "/readyz":
            return web.Response(text=served.unready or "ok", status=500 if served.unready else 200)
        if served.execs is not None and served.execs.takes(path):
            return await served.execs.serve(request, served)
        answer = served.answer(request.method, path, request, body)
        if hit is not None and request.transport is not None:
            request.transport.abort()
        return _response(answer, {"Audit-Id": f"00000000-0000-4000-8000-{len(served.requests):012x}"})

    async def _fail(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.kind == "hang":
            await self._until_stopped()
        if fault.kind == "cut":
            cut = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "4096"})
            with contextlib.suppress(ConnectionError):
                await cut.prepare(request)
                await cut.write(b'{"kind"')
            if request.transport is not None:
                request.transport.abort()
            return cut
        if fault.kind == "garbage":
            return web.Response(text="<html>It works</html>", content_type="text/html")
        if fault.kind == "shape":
            return web.json_response({"items": {"these": "are no items"}, "gitVersion": [1]})
        headers = {} if fault.retry_after_s is None else {"Retry-After": f"{fault.retry_after_s:g}"}
        if fault.kind == "plain":
            return web.Response(status=fault.status, text="upstream connect error", headers=headers)
        return _response(status_document(fault.status, fault.reason, fault.message), headers)


class KubernetesTwin:
    """One API server alone: `with KubernetesTwin(api) as twin: twin.url`."""

    def __init__(self, api: ApiServer, *, port: int = 0) -> None:
        self._twins = KubernetesTwins([api], ports=[port])

    def __enter__(self) -> ServedApi:
        self._twins.__enter__()
        return self._twins[0]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._twins.__exit__(kind, error, trace)


def _response(answer: Answer, headers: dict[str, str] | None = None) -> web.Response:
    about = {"Content-Type": answer.content_type, **(headers or {})}
    return web.Response(status=answer.status, body=answer.body, headers=about)
