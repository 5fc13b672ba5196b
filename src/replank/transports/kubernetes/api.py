"""`ports.access.KubeApi` and `ports.guarding.StatusApi` on a real API server: documents of any kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl

from replank.domain.errors import Refused, ReplankError
from replank.inventory.fleet.model import KubeconfigRef
from replank.ports.access import Conflict, Document, ObjectRef
from replank.ports.rights import Right
from replank.transports.kubernetes.call import APPLY, JSON_PATCH, MERGE, Call
from replank.transports.kubernetes.connection import Connection, open_embedded
from replank.transports.kubernetes.discovery import NOT_SERVED, Discovery, Resource
from replank.transports.kubernetes.errors import NotFound
from replank.transports.kubernetes.in_cluster import InCluster
from replank.transports.kubernetes.line import Line
from replank.transports.kubernetes.paging import all_items
from replank.transports.kubernetes.reader import local_now
from replank.transports.kubernetes.reviews import is_granted, readiness, username
from replank.transports.kubernetes.source import HeldKubeconfig, opened
from replank.transports.kubernetes.transport import Limits

MANAGER: Final = "replank"
GUARD: Final = "replank-guard"
_MANAGED: Final = {"fieldManager": MANAGER, "fieldValidation": "Strict"}


class KubernetesApi:
    """A `StatusApi` and a `RightsReader`; an asynchronous context manager, to be used in one event loop.

    Connects with the first call. `fence`: called right before every write is sent, also before a repetition;
    raises `Hold` where the lease is not ours. Errors carry RP050 to RP059 and RP900 to RP906; see `KubeApi`.
    """

    def __init__(
        self,
        kubeconfig: KubeconfigRef | HeldKubeconfig | InCluster,
        *,
        fence: Callable[[], None],
        limits: Limits | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self._limits = limits or Limits(answer_s=30.0)
        self._clock = clock

        async def connect() -> Connection:
            return await opened(kubeconfig, clock=clock, exec_timeout_s=self._limits.exec_timeout_s)

        self._line = Line(connect, limits=self._limits, fence=fence)
        self._discovery = Discovery(self.document)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._line.aclose()

    async def get(self, ref: ObjectRef) -> Document | None:
        """The object, None where there is none. Raises `Refused` RP906 where its kind is not served."""
        call = await self._call("GET", "get", ref)
        try:
            return await self._line.json(call)
        except NotFound:
            return None

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        """See `KubeApi.list`."""
        resource = await self._discovery.resource(api_version, kind)
        query = {"labelSelector": ",".join(f"{k}={v}" for k, v in labels.items())} if labels else {}
        call = Call(
            method="GET",
            path=resource.path(namespace),
            verb="list",
            thing=resource.thing(namespace),
            query=query,
            secret=kind == "Secret",
        )
        items = await all_items(self._line, call, self._limits.page)
        items = [_complete(item, api_version, kind) for item in items]
        return tuple(sorted(items, key=_place))

    async def apply(
        self, document: Mapping[str, Any], *, dry_run: bool = False, force: bool = False
    ) -> Document:
        """See `KubeApi.apply`. The field manager is `replank`."""
        query = _MANAGED | ({"force": "true"} if force else {}) | ({"dryRun": "All"} if dry_run else {})
        call = await self._call("PATCH", "patch", ObjectRef.of(document))
        return await self._line.json(
            replace(call, query=query, content=dict(document), content_type=APPLY, writes=not dry_run)
        )

    async def apply_status(self, document: Mapping[str, Any]) -> Document:
        """See `StatusApi.apply_status`. Forced: what it holds is ours alone, a condition of our own type.
        `metadata.uid` in it makes sure that it is still that object (else `Conflict`)."""
        call = await self._call("PATCH", "patch", ObjectRef.of(document))
        return await self._line.json(
            replace(
                call,
                path=f"{call.path}/status",
                thing=f"the status of {call.thing}",
                query=_MANAGED | {"fieldManager": GUARD, "force": "true"},
                content=dict(document),
                content_type=APPLY,
                writes=True,
            )
        )

    async def create(self, document: Mapping[str, Any]) -> Document:
        """See `KubeApi.create`. Never sent again by itself when an answer is lost."""
        ref = ObjectRef.of(document)
        resource = await self._discovery.resource(ref.api_version, ref.kind)
        call = self._of(resource, "POST", "create", ref)
        path, content = resource.path(ref.namespace), dict(document)
        return await self._line.json(
            replace(call, path=path, query=_MANAGED, content=content, writes=True, repeatable=False)
        )

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        """See `KubeApi.merge`. With a version it is not sent again: that would meet its own change."""
        content = dict(patch)
        if resource_version:
            content["metadata"] = dict(content.get("metadata") or {}) | {"resourceVersion": resource_version}
        call = await self._call("PATCH", "patch", ref)
        return await self._line.json(
            replace(
                call,
                query=_MANAGED,
                content=content,
                content_type=MERGE,
                writes=True,
                repeatable=not resource_version,
            )
        )

    async def json_patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Document:
        """See `KubeApi.json_patch`. Never sent again by itself: `add` to a list is not the same twice."""
        call = await self._call("PATCH", "patch", ref)
        return await self._line.json(
            replace(
                call,
                query=_MANAGED,
                content=[dict(operation) for operation in operations],
                content_type=JSON_PATCH,
                writes=True,
                repeatable=False,
                tested=any(operation.get("op") == "test" for operation in operations),
            )
        )

    async def delete(self, ref: ObjectRef, *, uid: str, resource_version: str = "") -> bool:
        """See `KubeApi.delete`. Not sent again by itself."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        call = await self._call("DELETE", "delete", ref)
        try:
            await self._line.json(replace(call, content=options, writes=True, repeatable=False))
        except NotFound:
            return False
        return True

    async def evict(self, ref: ObjectRef, *, uid: str) -> None:
        """See `KubeApi.evict`. Twice is as once."""
        call = await self._call("POST", "evict", ref)
        content = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        }
        try:
            await self._line.json(
                replace(call, path=f"{call.path}/eviction", content=content, writes=True, evicts=True)
            )
        except (NotFound, Conflict):
            return

    async def log(self, pod: ObjectRef, *, last_lines: int = 0, most_bytes: int = 0) -> str:
        """See `KubeApi.log`. A last line that a bound cuts off stays cut off."""
        call = await self._call("GET", "get", pod)
        query = {"timestamps": "true"}
        if last_lines:
            query["tailLines"] = str(last_lines)
        if most_bytes:
            query["limitBytes"] = str(most_bytes)
        asked = replace(
            call, path=f"{call.path}/log", thing=f"the log of {call.thing}", query=query, text=True
        )
        return (await self._line.send(asked)).content.decode("utf-8", errors="replace")

    async def document(self, path: str) -> Document:
        """The JSON object at `path`, which may have a query. Raises `NotFound` (a `Refused`) RP058."""
        bare, _, query = path.partition("?")
        return await self._line.json(
            Call(method="GET", path=bare, verb="get", thing=bare, query=dict(parse_qsl(query)))
        )

    async def ready(self) -> str:
        """ "" where `/readyz` answers ok, else what it says. Raises where nothing answers."""
        return await readiness(self._line)

    async def whoami(self) -> str:
        """The user's name as the API server sees it. Raises `NotFound` before Kubernetes 1.27."""
        return await username(self._line)

    async def works_with(self, kubeconfig: bytes) -> str:
        """See `KubeApi.works_with`. The kubeconfig stays in memory; files and programs that it names are not
        used."""

        async def connect() -> Connection:
            return open_embedded(kubeconfig, clock=self._clock, where="the kubeconfig in memory")

        line = Line(connect, limits=replace(self._limits, attempts=1), fence=_never_writes)
        try:
            return await readiness(line)
        except ReplankError as error:
            return error.reason
        finally:
            await line.aclose()

    async def missing_rights(self, needed: Iterable[Right]) -> tuple[Right, ...]:
        """See `RightsReader`. A kind that is not served is left to the check that looks for it."""
        answers = await asyncio.gather(*(self._missing(right) for right in sorted(set(needed))))
        return tuple(answer for answer in answers if answer is not None)

    async def _missing(self, right: Right) -> Right | None:
        try:
            resource = await self._discovery.resource(right.api_version, right.kind)
        except Refused as error:
            if error.code != NOT_SERVED:
                raise
            return None
        granted = await is_granted(self._line, right, resource)
        return None if granted else replace(right, resource=resource.qualified)

    async def _call(self, method: str, verb: str, ref: ObjectRef) -> Call:
        return self._of(await self._discovery.resource(ref.api_version, ref.kind), method, verb, ref)

    def _of(self, resource: Resource, method: str, verb: str, ref: ObjectRef) -> Call:
        return Call(
            method=method,
            path=resource.path(ref.namespace, ref.name),
            verb=verb,
            thing=resource.thing(ref.namespace, ref.name),
            secret=ref.kind == "Secret",
        )


def _never_writes() -> None:
    raise AssertionError("a line that only asks /readyz does not write")


def _complete(item: Document, api_version: str, kind: str) -> Document:
    """The items of a list of built-in kinds carry no kind of their own."""
    return {"apiVersion": api_version, "kind": kind, **item}


def _place(document: Document) -> tuple[str, str]:
    return (document["metadata"].get("namespace", ""), document["metadata"]["name"])
