"""The objects of one API server, looked up and listed by path. Knows nothing of HTTP; writes: `writes.py`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from replank.testbed.serve.kubernetes.kinds import ServedResource, served_by
from replank.testbed.simulation.objects import Objects, group_of
from replank.testbed.world import ApiServer, Document

RESOURCE_VERSION = "4711"
_METADATA = "PartialObjectMetadata"
_PARTS = ("status", "log")
"""Subresources that are served; a log only of pods (pod_logs.py)."""
_OWN_GROUPS = frozenset(
    {
        *("apps", "autoscaling", "batch", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io"),
        *("apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io"),
        *("coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io"),
        *("networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io"),
        "storage.k8s.io",
    }
)
"""Groups that kube-apiserver itself serves."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a body."""

    status: int
    body: bytes
    content_type: str = "application/json"


def status_document(code: int, reason: str, message: str, details: Document | None = None) -> Answer:
    """A failure as the real API server words it."""
    document: Document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    if details:
        document["details"] = details
    return answered(code, document)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path points at. `name` "" = the collection; `namespace` "" = all, or a kind without one.
    `part`: the subresource, `status`, `log` or ""."""

    resource: ServedResource
    namespace: str
    name: str
    part: str = ""

    @property
    def group(self) -> str:
        """ "" for the core group."""
        return group_of(self.resource.api_version)

    @property
    def qualified(self) -> str:
        """`machines.cluster.x-k8s.io`."""
        return f"{self.resource.plural}.{self.group}" if self.group else self.resource.plural

    @property
    def right(self) -> str:
        """As RBAC names it: `machines/status`."""
        return f"{self.resource.plural}/{self.part}" if self.part else self.resource.plural


class ObjectStore:
    """Answers reads.

    Without `objects` it is built once, and later changes to `api.objects` show only after `reload`; with them
    it shows them as they are at each moment, with managedFields.
    """

    def __init__(self, api: ApiServer, objects: Objects | None = None) -> None:
        self._api = api
        self._live = objects
        self._seen_writes = -1
        self.reload()

    def reload(self) -> None:
        """Takes the objects anew."""
        live = self._live
        documents = self._api.objects if live is None else list(live.documents.values())
        self._resources: dict[str, dict[str, ServedResource]] = {}
        for resource in (*served_by(self._api.objects), *served_by(documents)):
            self._resources.setdefault(resource.root, {})[resource.plural] = resource
        # The versions of one group are one object.
        self._objects: dict[tuple[str, str], list[Document]] = {}
        for document in sorted(documents, key=_place):
            key = (group_of(document["apiVersion"]), document["kind"])
            self._objects.setdefault(key, []).append(document)
        self._seen_writes = live.writes if live is not None else -1

    def place(self, path: str) -> Place | None:
        """What a path below /api or /apis points at, None where nothing is served there."""
        self._catch_up()
        whole, _, part = path.rpartition("/")
        if part in _PARTS and (owner := self._place(whole)) and owner.name:
            return replace(owner, part=part)
        return self._place(path)

    def _place(self, path: str) -> Place | None:
        parts = path.strip("/").split("/")
        head = 2 if parts[0] == "api" else 3
        root, rest = "/" + "/".join(parts[:head]), parts[head:]
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        resource = self._resources.get(root, {}).get(rest[0] if rest else "")
        if resource is None or len(rest) > 2 or (namespace and not resource.namespaced):
            return None
        name = rest[1] if len(rest) == 2 else ""
        if name and resource.namespaced and not namespace:
            return None
        return Place(resource, namespace, name)

    def answer(self, path: str, query: Mapping[str, str], accept: str) -> Answer:
        """Answers GET `path`. `accept`: the Accept header."""
        self._catch_up()
        if path == "/version":
            return answered(200, self._version())
        if path == "/api":
            return answered(200, {"kind": "APIVersions", "versions": ["v1"]})
        if path == "/apis":
            groups = self._groups()
            return answered(
                200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": list(groups.values())}
            )
        if path in self._resources:
            return answered(200, self._resource_list(path))
        if path.startswith("/apis/") and (group := self._groups().get(path.removeprefix("/apis/"))):
            return answered(200, {"kind": "APIGroup", "apiVersion": "v1", **group})
        return self._objects_at(path, query, metadata=_METADATA in accept)

    def _objects_at(self, path: str, query: Mapping[str, str], *, metadata: bool) -> Answer:
        place = self.place(path)
        if place is None or place.part:
            return not_served(path)
        resource = place.resource
        objects = [
            self._shown(document, resource.api_version)
            for document in self._objects.get((place.group, resource.kind), [])
            if (not place.namespace or document["metadata"].get("namespace") == place.namespace)
            and (not place.name or document["metadata"]["name"] == place.name)
        ]
        if not place.name:
            return self._list(resource, objects, query, metadata=metadata)
        for document in objects:
            return answered(200, _partial(document) if metadata else document)
        return not_found(place)

    def _shown(self, document: Document, api_version: str) -> Document:
        shown = self._live.shown(document) if self._live is not None else document
        return {**shown, "apiVersion": api_version}

    def _catch_up(self) -> None:
        if self._live is not None and self._live.writes != self._seen_writes:
            self.reload()

    def _list(
        self, resource: ServedResource, objects: list[Document], query: Mapping[str, str], *, metadata: bool
    ) -> Answer:
        chosen = [o for o in objects if _selected(o, query)]
        start = int(base64.urlsafe_b64decode(query["continue"])) if query.get("continue") else 0
        limit = int(query.get("limit", "0")) or len(chosen)
        page = chosen[start : start + limit]
        about: Document = {"resourceVersion": RESOURCE_VERSION}
        if left := max(0, len(chosen) - start - limit):
            about["continue"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
            about["remainingItemCount"] = left
        items: list[Document] | None
        if metadata:
            kind, api_version = f"{_METADATA}List", "meta.k8s.io/v1"
            # As the real one, which has null here for an empty list (transports/kubernetes/transport.py).
            items = [_partial(o) for o in page] or None
        else:
            kind, api_version = f"{resource.kind}List", resource.api_version
            # As the real one: items of a list of built-in kinds carry no kind of their own.
            items = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")} for o in page]
        return answered(200, {"kind": kind, "apiVersion": api_version, "metadata": about, "items": items})

    def _version(self) -> Document:
        major, minor = self._api.version.removeprefix("v").split(".")[:2]
        return {
            "major": major,
            "minor": minor,
            "gitVersion": self._api.version,
            "gitTreeState": "clean",
            "platform": "linux/amd64",
        }

    def _groups(self) -> dict[str, Document]:
        versions: dict[str, list[str]] = {}
        for root in self._resources:
            if root.startswith("/apis/"):
                _, _, group, version = root.split("/")
                versions.setdefault(group, []).append(version)
        found = {}
        for group in sorted(versions):
            ordered = sorted(versions[group], key=_priority, reverse=True)
            entries = [{"groupVersion": f"{group}/{v}", "version": v} for v in ordered]
            found[group] = {"name": group, "versions": entries, "preferredVersion": entries[0]}
        return found

    def _resource_list(self, root: str) -> Document:
        resources: list[Document] = []
        for resource in self._resources[root].values():
            entry = {"singularName": resource.kind.lower(), "namespaced": resource.namespaced}
            entry |= {"kind": resource.kind, "verbs": ["create", "delete", "get", "list", "patch", "watch"]}
            resources.append({"name": resource.plural, **entry})
            resources.append({"name": f"{resource.plural}/status", **entry, "verbs": ["get"]})
        group_version = root.removeprefix("/apis/").removeprefix("/api/")
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": group_version,
            "resources": resources,
        }


def _selected(document: Document, query: Mapping[str, str]) -> bool:
    labels = document["metadata"].get("labels") or {}
    for term in filter(None, query.get("labelSelector", "").split(",")):
        key, equals, value = term.replace("==", "=").partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    field, _, value = query.get("fieldSelector", "").partition("=")
    return field != "metadata.name" or bool(document["metadata"]["name"] == value)


def _partial(document: Document) -> Document:
    return {"kind": _METADATA, "apiVersion": "meta.k8s.io/v1", "metadata": document["metadata"]}


def _place(document: Document) -> tuple[str, str]:
    return (document["metadata"].get("namespace", ""), document["metadata"]["name"])


def _priority(version: str) -> tuple[int, int, int]:
    """GA over beta over alpha, then the number (apimachinery, pkg/version/helpers.go)."""
    for rank, word in ((1, "beta"), (0, "alpha")):
        major, found, minor = version.removeprefix("v").partition(word)
        if found:
            return (rank, int(major), int(minor or 0))
    return (2, int(version.removeprefix("v")), 0)


def not_found(place: Place) -> Answer:
    """404 for one object."""
    details = {"name": place.name, "group": place.group, "kind": place.resource.plural}
    return status_document(404, "NotFound", f'{place.qualified} "{place.name}" not found', details)


def not_served(path: str) -> Answer:
    """404 for what nothing serves: of Kubernetes' own groups a Status, of all others Go's page (seen of
    kube-apiserver v1.35)."""
    parts = path.split("/")
    own = parts[1:2] == ["api"] or (len(parts) > 4 and parts[1] == "apis" and parts[2] in _OWN_GROUPS)
    if own:
        return status_document(404, "NotFound", "the server could not find the requested resource")
    return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")


def answered(status: int, document: Document) -> Answer:
    """A JSON document as an answer."""
    return Answer(status, json.dumps(document, separators=(",", ":")).encode())
