"""A plane's API server as its administrator sees it: apply, read, and ask whether it would take an object."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx2

from proving_ground.errors import GroundError
from proving_ground.management import credentials
from proving_ground.management.manifests import Document
from proving_ground.management.plane import Plane

FIELD_MANAGER = "replank-ground"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `message`: its words where it refused, else "". Status 0: it was not reached."""

    status: int
    body: Mapping[str, Any]
    message: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Api:
    """Plain requests: documents of any kind go in as they are. Safe to use from several threads."""

    def __init__(self, plane: Plane) -> None:
        context = ssl.create_default_context(cafile=credentials.ca_file(plane))
        context.load_cert_chain(*credentials.administrator(plane))
        self._plane = plane
        # A proxy of the host's environment has nothing to do with 127.0.0.1.
        self._http = httpx2.Client(base_url=plane.server, verify=context, timeout=60, trust_env=False)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str) -> Answer:
        """GET of a path below the server's root."""
        return self.request("GET", path)

    def apply(self, document: Document) -> None:
        """Server-side apply; fields that another manager holds become ours. Raises `GroundError`."""
        path = object_path(document)
        answer = self.request(
            "PATCH",
            f"{path}?fieldManager={FIELD_MANAGER}&force=true",
            document,
            content_type="application/apply-patch+yaml",
        )
        if not answer.ok:
            raise GroundError(
                self._plane.part("kube-apiserver"),
                f"does not take {path}: {answer.message}",
                "Run the same command again; if it stays, take the plane down and up.",
            )

    def create(self, document: Document, *, dry_run: bool = False) -> Answer:
        """Creates an object; with `dry_run` everything happens (webhooks too) but the writing."""
        path = collection_path(document) + ("?dryRun=All" if dry_run else "")
        return self.request("POST", path, document)

    def delete(self, document: Document) -> Answer:
        return self.request("DELETE", object_path(document))

    def request(
        self, method: str, path: str, body: object = None, content_type: str = "application/json"
    ) -> Answer:
        """Any request. An unreachable server is an answer of status 0."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        try:
            response = self._http.request(method, path, content=content, headers=headers)
        except httpx2.TransportError as error:
            return Answer(0, {}, f"{method} {path}: {error}")
        try:
            document = response.json()
        except ValueError:
            document = {}
        if response.is_success:
            return Answer(response.status_code, document)
        message = str(document.get("message", response.text[:300]))
        return Answer(response.status_code, document, message)


def collection_path(document: Document) -> str:
    """Where objects of a document's kind live. All kinds that the ground writes have a regular plural."""
    version, plural = document["apiVersion"], document["kind"].lower() + "s"
    namespace = document["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def object_path(document: Document) -> str:
    """The path of one object."""
    return f"{collection_path(document)}/{document['metadata']['name']}"
