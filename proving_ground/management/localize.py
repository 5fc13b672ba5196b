"""Upstream's documents -> what a plane applies: labelled as `clusterctl init` does, with managers outside.

Pure: documents and addresses in, documents out.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proving_ground.management.managers import MANAGERS, RESOURCE_CONTROLLER, Manager
from proving_ground.management.manifests import INVENTORY, Document, deployment

CLUSTERCTL = "clusterctl.cluster.x-k8s.io"
PROVIDER = "cluster.x-k8s.io/provider"

_CRD = "CustomResourceDefinition"
_RUNS_ELSEWHERE = ("Deployment", "Service", "Certificate", "Issuer")
"""The managers are containers with certificates of the plane's authority: no pods, no cert-manager."""

_INJECT = "cert-manager.io/inject-ca-from"


def localize(
    sets: Mapping[str, Sequence[Document]], webhooks: Mapping[str, str], authority: bytes
) -> list[Document]:
    """All documents of a plane, in an order in which they can be applied: namespaces, CRDs, then the rest.

    `webhooks`: manager -> base URL of its webhook server; `authority`: PEM of who signed their certificates.
    """
    documents = [_inventory_definition(document) for document in sets[INVENTORY]]
    for document in sets[RESOURCE_CONTROLLER]:
        if document["kind"] == _CRD:
            documents.append(copy.deepcopy(document))
    for manager in MANAGERS:
        documents.extend(_components(manager, sets[manager.name], webhooks[manager.name], authority))
    return sorted(documents, key=_order)


def _components(
    manager: Manager, documents: Sequence[Document], webhook: str, authority: bytes
) -> Iterator[Document]:
    for document in documents:
        if document["kind"] in _RUNS_ELSEWHERE:
            continue
        local = copy.deepcopy(document)
        metadata = local["metadata"]
        # `clusterctl move` finds its kinds by the first label (objectgraph.go getCRDList).
        metadata["labels"] = {**metadata.get("labels", {}), CLUSTERCTL: "", PROVIDER: manager.label}
        metadata.get("annotations", {}).pop(_INJECT, None)
        for configuration in _client_configurations(local):
            path = configuration.pop("service").get("path", "")
            configuration["url"] = webhook + path
            configuration["caBundle"] = base64.b64encode(authority).decode()
        yield local
    yield _inventory_entry(manager, deployment(documents).namespace)


def _client_configurations(document: Document) -> Iterator[dict[str, Any]]:
    """Where a document says how a webhook is reached."""
    if document["kind"] in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for webhook in document["webhooks"]:
            yield webhook["clientConfig"]
    if document["kind"] == _CRD and document["spec"].get("conversion", {}).get("strategy") == "Webhook":
        yield document["spec"]["conversion"]["webhook"]["clientConfig"]


def _inventory_definition(document: Document) -> Document:
    labels = {**document["metadata"].get("labels", {}), f"{CLUSTERCTL}/core": "inventory"}
    return {**document, "metadata": {**document["metadata"], "labels": labels}}


def _inventory_entry(manager: Manager, namespace: str) -> Document:
    """What `clusterctl init` notes of a provider (repository/components.go InventoryObject).

    `clusterctl move` wants each provider of its source at the target, at least as new, and takes Secrets from
    the infrastructure provider's namespace along.
    """
    return {
        "apiVersion": f"{CLUSTERCTL}/v1alpha3",
        "kind": "Provider",
        "metadata": {
            "name": manager.label,
            "namespace": namespace,
            "labels": {CLUSTERCTL: "", f"{CLUSTERCTL}/core": "inventory", PROVIDER: manager.label},
        },
        "providerName": manager.provider,
        "type": manager.kind,
        "version": manager.version,
    }


def _order(document: Document) -> int:
    first = ("Namespace", _CRD)
    return first.index(document["kind"]) if document["kind"] in first else len(first)
