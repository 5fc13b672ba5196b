"""Puts Cluster API's documents into a plane's API server and waits until they are in force."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from proving_ground.errors import GroundError
from proving_ground.management.api import Api, object_path
from proving_ground.management.manifests import Document

_AT_ONCE = 4
_LIMIT_S = 120.0

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ROLES = "/apis/rbac.authorization.k8s.io/v1/clusterroles"


def install(api: Api, documents: Sequence[Document]) -> None:
    """Applies all documents: namespaces, then definitions, then what needs them. Raises `GroundError`.

    The last thing that it writes is a record of what it applied: applying the same documents again would cost
    the API server as much as the first time.
    """
    record = _record(documents)
    if api.get(object_path(record)).body.get("data") == record["data"]:
        return
    kinds = ("Namespace", "CustomResourceDefinition")
    _apply(api, [document for document in documents if document["kind"] == kinds[0]])
    _apply(api, [document for document in documents if document["kind"] == kinds[1]])
    _until(lambda: _not_established(api), "CustomResourceDefinitions are not established")
    _apply(api, [document for document in documents if document["kind"] not in kinds])
    _until(lambda: _without_rules(api), "aggregated ClusterRoles have no rules")
    api.apply(record)


def _record(documents: Sequence[Document]) -> Document:
    digest = hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "replank-ground", "namespace": "kube-system"},
        "data": {"applied": digest},
    }


def _apply(api: Api, documents: Sequence[Document]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(api.apply, documents))


def _until(missing: Callable[[], str], what: str) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while seen := missing():
        if time.monotonic() > deadline:
            raise GroundError(
                "management plane",
                f"{what} after {_LIMIT_S:.0f} s: {seen}",
                "Run the same command again; kube-apiserver's and kube-controller-manager's logs say more.",
            )
        time.sleep(0.2)


def _not_established(api: Api) -> str:
    """The definitions that are not served yet, "" when all are."""
    answer = api.get(_DEFINITIONS)
    if not answer.ok:
        return answer.message
    return ", ".join(
        definition["metadata"]["name"]
        for definition in answer.body["items"]
        if not any(
            condition["type"] == "Established" and condition["status"] == "True"
            for condition in definition.get("status", {}).get("conditions") or ()  # null when new
        )
    )


def _without_rules(api: Api) -> str:
    """The aggregated roles that kube-controller-manager did not fill yet: a manager that starts before would
    be refused, and try again only after a while."""
    answer = api.get(f"{_ROLES}?labelSelector=clusterctl.cluster.x-k8s.io")
    if not answer.ok:
        return answer.message
    return ", ".join(
        role["metadata"]["name"]
        for role in answer.body["items"]
        if role.get("aggregationRule") and not role.get("rules")
    )
