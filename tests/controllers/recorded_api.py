"""An API server in a dictionary that notes who asked for what, as RBAC sees it."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from replank.domain.errors import Refused, ReplankError
from replank.ports.access import Document, ObjectRef

PLURALS = {
    "Cluster": "clusters",
    "Machine": "machines",
    "MachineDeployment": "machinedeployments",
    "MachineDrainRule": "machinedrainrules",
    "KubeadmControlPlane": "kubeadmcontrolplanes",
    "ClusterGuard": "clusterguards",
    "OpenStackCluster": "openstackclusters",
    "OpenStackClusterIdentity": "openstackclusteridentities",
    "Secret": "secrets",
    "Namespace": "namespaces",
    "Event": "events",
    "Lease": "leases",
}

Asked = tuple[str, str, str]
"""Group, resource, verb."""


class RecordedApi:
    """As much of `ports.guarding.StatusApi` as the operator uses on the management cluster. A method that is
    not here would fail the test that needs it."""

    def __init__(self, *documents: Document) -> None:
        self.objects: dict[tuple[str, str, str], Document] = {}
        self.asked: list[Asked] = []
        self.broken: ReplankError | None = None
        self.closed = 0
        self._version = 0
        for document in documents:
            self.put(document)

    def put(self, document: Document) -> Document:
        """As somebody else writes it."""
        self._version += 1
        meta = {"uid": f"uid-{self._version}", **document["metadata"], "resourceVersion": str(self._version)}
        kept = copy.deepcopy({**document, "metadata": meta})
        self.objects[(document["kind"], meta.get("namespace", ""), meta["name"])] = kept
        return kept

    async def get(self, ref: ObjectRef) -> Document | None:
        self._ask(ref.api_version, ref.kind, "get")
        found = self.objects.get((ref.kind, ref.namespace, ref.name))
        return copy.deepcopy(found)

    async def list(
        self, api_version: str, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> tuple[Document, ...]:
        self._ask(api_version, kind, "list")
        return tuple(
            copy.deepcopy(document)
            for (found, where, _), document in sorted(self.objects.items())
            if found == kind and namespace in ("", where) and _has(document, labels or {})
        )

    async def create(self, document: Mapping[str, Any]) -> Document:
        self._ask(document["apiVersion"], document["kind"], "create")
        return self.put(dict(document))

    async def merge(
        self, ref: ObjectRef, patch: Mapping[str, Any], *, resource_version: str = ""
    ) -> Document:
        self._ask(ref.api_version, ref.kind, "patch")
        found = self.objects[(ref.kind, ref.namespace, ref.name)]
        return self.put({**found, "spec": {**found.get("spec", {}), **patch.get("spec", {})}})

    async def json_patch(self, ref: ObjectRef, operations: Sequence[Mapping[str, Any]]) -> Document:
        self._ask(ref.api_version, ref.kind, "patch")
        found = self.objects[(ref.kind, ref.namespace, ref.name)]
        for operation in operations:
            if operation["op"] == "remove":
                hook = operation["path"].rpartition("/")[2].replace("~1", "/")
                found["metadata"]["annotations"].pop(hook)
        return self.put(found)

    async def apply_status(self, document: Mapping[str, Any]) -> Document:
        self._ask(document["apiVersion"], f"{document['kind']}/status", "patch")
        key = (document["kind"], document["metadata"]["namespace"], document["metadata"]["name"])
        if key not in self.objects:
            raise Refused("RP901", "There is no such object", "404", "Nothing.")
        return self.objects[key]

    async def aclose(self) -> None:
        self.closed += 1

    def _ask(self, api_version: str, kind: str, verb: str) -> None:
        group = api_version.rpartition("/")[0]
        name, _, part = kind.partition("/")
        self.asked.append((group, "/".join(filter(None, (PLURALS[name], part))), verb))
        if self.broken:
            raise self.broken


def secret(namespace: str, name: str, **data: bytes) -> Document:
    """`data`: keys with `_` for `.`."""
    encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "data": encoded,
    }


def _has(document: Document, labels: Mapping[str, str]) -> bool:
    own = document["metadata"].get("labels") or {}
    return all(own.get(key) == value for key, value in labels.items())
