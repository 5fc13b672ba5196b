"""Reading from one API server: lists, single objects, metadata, discovery."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ssl import DER_cert_to_PEM_cert
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
import msgspec
from lightkube import AsyncClient
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, Context, User

from replank.domain.errors import ReplankError
from replank.inventory.facts.hosts import CertificateFile
from replank.inventory.hosts.certificates import parse_certificates
from replank.transports.kubernetes.connection import Connection
from replank.transports.kubernetes.errors import ListExpired, describe, not_understood
from replank.transports.kubernetes.resources import Metadata
from replank.transports.kubernetes.transport import ApiTransport, Limits, MetadataTransport

R = TypeVar("R")


class ApiSession:
    """An open connection to one API server; an asynchronous context manager.

    Every method raises `ReplankError` RP052 to RP059 and nothing else.
    """

    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.connection = connection
        self._limits = limits
        self._transport = ApiTransport(connection, limits)
        self._client = _lightkube(connection, self._transport, limits)
        self._metadata_client = _lightkube(connection, MetadataTransport(self._transport), limits)
        self._plain = httpx2.AsyncClient(
            base_url=connection.server, transport=self._transport, trust_env=False, timeout=limits.timeout_s
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    @property
    def requests(self) -> int:
        """Sent so far."""
        return self._transport.requests

    async def objects(
        self, resource: type[R], *, namespace: str = "*", labels: Mapping[str, str] | None = None
    ) -> list[R]:
        """All objects of a kind. `namespace`: "*" = all; ignored for kinds without one."""
        return await self._list(self._client, resource, namespace, labels)

    async def metadata(
        self, resource: type[Any], *, namespace: str = "*", labels: Mapping[str, str] | None = None
    ) -> list[Metadata]:
        """Metadata of all objects of a kind; nothing else goes over the wire."""
        return [o.metadata for o in await self._list(self._metadata_client, resource, namespace, labels)]

    async def get(self, resource: type[R], name: str, *, namespace: str = "") -> R:
        """One object. Raises `NotFound` RP058 where there is none."""
        client: Any = self._client
        place = {"namespace": namespace} if namespace else {}
        try:
            return await client.get(resource, name, **place)  # type: ignore[no-any-return]
        except (httpx2.HTTPError, msgspec.MsgspecError) as error:
            raise self._strange(resource) from error

    async def document(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`, for what is no resource: version and discovery."""
        try:
            document = json.loads((await self._plain.get(path)).content)
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError) as error:
            raise self._strange_answer(path) from error
        if not isinstance(document, dict):
            raise self._strange_answer(path)
        return document

    async def version(self) -> str:
        """`v1.34.4`."""
        version = (await self.document("/version")).get("gitVersion")
        if not isinstance(version, str):
            raise self._strange_answer("/version")
        return version

    def certificate(self) -> CertificateFile | None:
        """The certificate that the server presented, None with plain HTTP and before the first answer."""
        der = self._transport.certificate
        if der is None:
            return None
        return parse_certificates(DER_cert_to_PEM_cert(der), path=self.connection.server)[0]

    async def _list(
        self, client: Any, resource: type[Any], namespace: str, labels: Mapping[str, str] | None
    ) -> list[Any]:
        place = {"namespace": namespace} if "global_list" in resource._api_info.verbs else {}
        try:
            try:
                pages = client.list(resource, chunk_size=self._limits.page, labels=labels, **place)
                return [item async for item in pages]
            except ListExpired:
                # The continue token is good for five minutes (etcd's compaction); kubectl, too, falls back
                # to one large answer (client-go, tools/pager).
                return [item async for item in client.list(resource, labels=labels, **place)]
        except (httpx2.HTTPError, msgspec.MsgspecError) as error:
            raise self._strange(resource) from error

    def _strange(self, resource: type[Any]) -> ReplankError:
        info = resource._api_info
        group = f".{info.resource.group}" if info.resource.group else ""
        return self._misread(f"{info.plural}{group}")

    def _strange_answer(self, path: str) -> ReplankError:
        return self._misread(describe(path, "")[1])

    def _misread(self, thing: str) -> ReplankError:
        what = f"The API server's answer about {thing} cannot be read"
        return not_understood(what, "it has another shape than Kubernetes gives", self.connection.server)


def _lightkube(connection: Connection, transport: httpx2.AsyncBaseTransport, limits: Limits) -> AsyncClient:
    """lightkube over our transport, which alone has the credentials and does the TLS.

    So lightkube gets an empty user; `insecure` only spares it to load a trust store that it never uses, and
    `trust_env` would let it go round our transport to a proxy of the environment.
    """
    config = SingleConfig(
        context_name=connection.fact.context,
        context=Context(cluster="cluster", user="user"),
        cluster=Cluster(server=connection.server, insecure=True),
        user=User(),
    )
    timeout = httpx2.Timeout(limits.timeout_s)
    return AsyncClient(config=config, timeout=timeout, transport=transport, trust_env=False)
