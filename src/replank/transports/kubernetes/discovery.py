"""Where a kind is served: its plural and scope, as the API server itself tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from replank.domain.errors import Refused
from replank.transports.kubernetes.errors import NotFound

NOT_SERVED: Final = "RP906"


@dataclass(frozen=True, slots=True)
class Resource:
    """`root`: `/api/v1` or `/apis/<group>/<version>`. `plural`: the resource's name in paths and RBAC."""

    root: str
    group: str
    plural: str
    namespaced: bool

    @property
    def qualified(self) -> str:
        """As RBAC and kubectl name it: `machines.cluster.x-k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str, name: str = "") -> str:
        """Of a collection ("" = all namespaces) or of one object."""
        place = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{self.root}{place}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")

    def thing(self, namespace: str, name: str = "") -> str:
        """For messages: `machines.cluster.x-k8s.io m1 in namespace shop`."""
        place = f" in namespace {namespace}" if self.namespaced and namespace else ""
        return f"{self.qualified} {name}{place}" if name else f"{self.qualified}{place}"


class Discovery:
    """Resources by API version and kind. A group version is asked for once; a kind that is not among its
    resources is looked for again each time, since a CustomResourceDefinition may have come meanwhile.

    `document`: gives the JSON object at a path, or raises `NotFound`.
    """

    def __init__(self, document: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        self._document = document
        self._served: dict[str, Mapping[str, Resource]] = {}

    async def resource(self, api_version: str, kind: str) -> Resource:
        """Raises `Refused` RP906 where the API server does not serve the kind."""
        found = self._served.get(api_version, {}).get(kind)
        if found is None:
            self._served[api_version] = await self._ask(api_version)
            found = self._served[api_version].get(kind)
        if found is None:
            raise Refused(
                NOT_SERVED,
                f"{kind} of {api_version} cannot be read or written",
                "the API server does not serve this kind",
                "Install what brings its CustomResourceDefinition, in the plan's version.",
            )
        return found

    async def _ask(self, api_version: str) -> Mapping[str, Resource]:
        group, _, _ = api_version.rpartition("/")
        root = f"/apis/{api_version}" if group else f"/api/{api_version}"
        try:
            entries = (await self._document(root)).get("resources")
        except NotFound:
            return {}
        found = {}
        for entry in entries if isinstance(entries, list) else []:
            name, kind = entry.get("name", ""), entry.get("kind", "")
            # `machines/status` is a part of a resource. A resource may say another version or group for its
            # objects (scale), which it does for parts only.
            if name and "/" not in name:
                found[kind] = Resource(root, group, name, entry.get("namespaced") is True)
        return found
