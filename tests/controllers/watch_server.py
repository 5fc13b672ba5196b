"""As much of an API server as watches need, over HTTP: discovery, lists, watches that stay open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from replank.controllers.watching import WATCHED
from replank.inventory.facts.kubernetes import KubeconfigFact
from replank.transports.kubernetes.connection import Connection

PLURALS = {
    "Cluster": "clusters",
    "Machine": "machines",
    "MachineDeployment": "machinedeployments",
    "KubeadmControlPlane": "kubeadmcontrolplanes",
    "ClusterGuard": "clusterguards",
}


def labelled(kind: str, name: str, cluster: str, namespace: str = "shop") -> dict[str, Any]:
    api_version = next(api for api, watched in WATCHED if watched == kind)
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "labels": {"cluster.x-k8s.io/cluster-name": cluster},
        },
        "spec": {},
    }


@dataclass
class WatchServer:
    """`requests`: method, path and Authorization of each. `status`, `undiscovered`: not 0 = what lists
    and watches, or discovery, answer."""

    token: str = "one"
    status: int = 0
    undiscovered: int = 0
    objects: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    streams: dict[str, list[asyncio.Queue[dict[str, Any] | None]]] = field(default_factory=dict)
    url: str = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[WatchServer]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            for queues in self.streams.values():
                for queue in queues:
                    queue.put_nowait(None)
            await runner.cleanup()

    async def connect(self) -> Connection:
        fact = KubeconfigFact(server=self.url, auth="token", context="c", cluster_name="c", user_name="u")
        return Connection(
            fact=fact,
            tls=None,
            headers=(
                ("Authorization", "Bearer of-old"),
                ("Impersonate-Group", "a"),
                ("Impersonate-Group", "b"),
            ),
            proxy="",
            token=lambda: self.token,
        )

    def changed(self, document: dict[str, Any]) -> None:
        """An event for those who watch."""
        for queue in self.streams.get(PLURALS[document["kind"]], []):
            queue.put_nowait({"type": "MODIFIED", "object": document})

    def drop(self) -> None:
        """Ends every stream."""
        for queues in self.streams.values():
            while queues:
                queues.pop().put_nowait(None)

    @property
    def watched(self) -> set[str]:
        return {kind for kind, queues in self.streams.items() if queues}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, request.headers.get("Authorization", "")))
        found = _discovery(request.path.strip("/").split("/"))
        if code := self.status if found is None else self.undiscovered:
            return web.json_response({"kind": "Status", "code": code, "message": "no"}, status=code)
        if found is not None:
            return web.json_response(found)
        plural = request.path.split("/")[-1]
        if request.query.get("watch") == "true":
            return await self._stream(request, plural)
        wanted = [one for one in self.objects if PLURALS[one["kind"]] == plural]
        parts = request.path.split("/")
        if "namespaces" in parts:
            namespace = parts[parts.index("namespaces") + 1]
            wanted = [one for one in wanted if one["metadata"]["namespace"] == namespace]
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": wanted})

    async def _stream(self, request: web.Request, plural: str) -> web.StreamResponse:
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.streams.setdefault(plural, []).append(queue)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while (event := await queue.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response


def _discovery(parts: list[str]) -> dict[str, Any] | None:
    versions = sorted({api for api, _ in WATCHED} | {"apiextensions.k8s.io/v1"})
    if parts == ["api"]:
        return {"versions": ["v1"]}
    if parts == ["api", "v1"]:
        return _resources("v1", {"Namespace": "namespaces", "Event": "events"})
    if parts == ["apis"]:
        return {"groups": [_group(version) for version in versions]}
    if len(parts) == 2:
        return _group(next(version for version in versions if version.startswith(f"{parts[1]}/")))
    if len(parts) == 3 and parts[0] == "apis":
        name = "/".join(parts[1:])
        if name == "apiextensions.k8s.io/v1":
            return _resources(name, {"CustomResourceDefinition": "customresourcedefinitions"})
        return _resources(name, {kind: PLURALS[kind] for api, kind in WATCHED if api == name})
    return None


def _group(version: str) -> dict[str, Any]:
    name, number = version.split("/")
    entry = {"groupVersion": version, "version": number}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def _resources(version: str, kinds: dict[str, str]) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    return {
        "groupVersion": version,
        "resources": [
            {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": kind not in ("Namespace", "CustomResourceDefinition"),
                "kind": kind,
                "verbs": verbs,
            }
            for kind, plural in kinds.items()
        ],
    }
