"""What a management cluster runs and serves, and what already stands in a namespace."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any, Final

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.management import ManagementFacts, Provider, ServedKind
from replank.transports.kubernetes import resources
from replank.transports.kubernetes.errors import NotFound, not_understood
from replank.transports.kubernetes.resources import Metadata, metadata_of
from replank.transports.kubernetes.seeing import mapped, read_version, seen, unseen
from replank.transports.kubernetes.session import ApiSession

# Cluster API's own groups, and that of OpenStack Resource Controller, whose CRDs CAPO needs.
_GROUPS: Final = re.compile(r"([a-z0-9-]+\.)*cluster\.x-k8s\.io|openstack\.k-orc\.cloud", flags=re.ASCII)
_CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
_PROVIDER: Final = "cluster.x-k8s.io/provider"
_MOVE: Final = "clusterctl.cluster.x-k8s.io"
_SECRETS: Final = ("ca", "etcd", "sa", "proxy", "kubeconfig", "cloud-config")

# What clusterctl calls a Provider object, and the value of the label (cluster-api v1.14,
# cmd/clusterctl/api/v1alpha3/provider_type.go ManifestLabel), and what it is called here.
_PREFIXES: Final = {
    "bootstrap-": "{}-bootstrap",
    "control-plane-": "{}-control-plane",
    "infrastructure-": "{}",
    "addon-": "{}-addon",
    "ipam-": "{}-ipam",
    "runtime-extension-": "{}-runtime-extension",
}
_MANAGERS: Final = {
    "capi-controller-manager": "cluster-api",
    "capi-kubeadm-bootstrap-controller-manager": "kubeadm-bootstrap",
    "capi-kubeadm-control-plane-controller-manager": "kubeadm-control-plane",
    "capo-controller-manager": "openstack",
    "orc-controller-manager": "openstack-resource-controller",
}


@dataclass(frozen=True, slots=True)
class _Served:
    """A kind at its preferred version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


async def read_management(api: ApiSession, namespace: str, cluster: str) -> ManagementFacts:
    """All facts. Raises `ReplankError` if the API server could not be reached at all."""
    version = await read_version(api)
    async with asyncio.TaskGroup() as group:
        providers = group.create_task(seen(_providers(api)))
        discovery = group.create_task(seen(_discover(api)))
        definitions = group.create_task(seen(_definitions(api)))
    served = discovery.result()
    existing: Fact[tuple[str, ...]]
    if isinstance(served, Unknown):
        existing = served
    else:
        existing = await seen(_existing(api, served[1], namespace, cluster))
    return ManagementFacts(
        version=unseen(version) if isinstance(version, ReplankError) else version,
        providers=providers.result(),
        served=mapped(served, lambda found: found[0]),
        existing=existing,
        ready_for_move=mapped(definitions.result(), _ready_for_move),
    )


async def read_crds(api: ApiSession) -> list[dict[str, Any]]:
    """Complete definitions of Cluster API's groups, one by one: a cluster may hold hundreds of others."""

    async def one(name: str) -> dict[str, Any]:
        return await api.document(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")

    names = sorted(about.name for about in await _definitions(api))
    return list(await asyncio.gather(*(one(name) for name in names)))


async def _definitions(api: ApiSession) -> list[Metadata]:
    kind, plural = "CustomResourceDefinition", "customresourcedefinitions"
    found = await api.metadata(metadata_of("apiextensions.k8s.io", "v1", kind, plural, False))
    return [about for about in found if _GROUPS.fullmatch(about.name.partition(".")[2])]


def _ready_for_move(definitions: list[Metadata]) -> bool:
    """`clusterctl move` finds kinds by this label; without it, it moves Secrets only."""
    own = [d for d in definitions if d.name.partition(".")[2] not in ("openstack.k-orc.cloud", _MOVE)]
    return bool(own) and all(_MOVE in (definition.labels or {}) for definition in own)


async def _providers(api: ApiSession) -> tuple[Provider, ...]:
    """clusterctl's inventory, completed by the controllers' Deployments (Helm and Flux leave none)."""
    try:
        inventory = await api.objects(resources.InstalledProvider)
    except NotFound:
        inventory = []
    found = {_provider_name(item.metadata.name): _from_inventory(item) for item in inventory}
    for deployment in await api.objects(resources.Deployment):
        provider = _from_deployment(deployment)
        if provider is not None:
            found.setdefault(provider.name, provider)
    return tuple(found[name] for name in sorted(found))


def _from_inventory(item: resources.InstalledProvider) -> Provider:
    about = item.metadata
    return Provider(name=_provider_name(about.name), version=item.version, namespace=about.namespace)


def _from_deployment(deployment: resources.Deployment) -> Provider | None:
    about = deployment.metadata
    label = (about.labels or {}).get(_PROVIDER, "")
    name = _MANAGERS.get(about.name) or (_provider_name(label) if label else "")
    if not name:
        return None
    images = [c.image for c in deployment.spec.template.spec.containers or () if "rbac-proxy" not in c.image]
    tag = images[0].partition("@")[0].rpartition("/")[2].partition(":")[2] if images else ""
    return Provider(name=name, version=tag, namespace=about.namespace)


def _provider_name(label: str) -> str:
    for prefix, form in _PREFIXES.items():
        if label.startswith(prefix):
            return form.format(label.removeprefix(prefix))
    return label


async def _discover(api: ApiSession) -> tuple[tuple[ServedKind, ...], list[_Served]]:
    """Kinds with their versions, newest first as the API server orders them, and where each is found."""
    groups = (await api.document("/apis")).get("groups")
    wanted: list[tuple[str, list[str]]] = []
    for group in groups if isinstance(groups, list) else []:
        name, versions = _group(group, api)
        if _GROUPS.fullmatch(name):
            wanted.append((name, versions))
    pairs = [(name, version) for name, versions in wanted for version in versions]
    lists = await asyncio.gather(*(_resources(api, name, version) for name, version in pairs))
    versions_of: dict[tuple[str, str], list[str]] = {}
    preferred: dict[tuple[str, str], _Served] = {}
    for found in lists:
        for served in found:
            key = (served.group, served.kind)
            versions_of.setdefault(key, []).append(served.version)
            preferred.setdefault(key, served)
    kinds = tuple(
        ServedKind(group=group, kind=kind, versions=tuple(versions_of[group, kind]))
        for group, kind in sorted(versions_of)
    )
    return kinds, [preferred[key] for key in sorted(preferred)]


async def _resources(api: ApiSession, group: str, version: str) -> list[_Served]:
    entries = (await api.document(f"/apis/{group}/{version}")).get("resources")
    found = []
    for entry in entries if isinstance(entries, list) else []:
        match entry:
            case {"name": str(plural), "kind": str(kind), "namespaced": bool(namespaced)}:
                if "/" not in plural:
                    found.append(_Served(group, version, kind, plural, namespaced))
    return found


def _group(group: object, api: ApiSession) -> tuple[str, list[str]]:
    match group:
        case {"name": str(name), "versions": list(versions)}:
            texts = [v.get("version") for v in versions if isinstance(v, dict)]
            return name, [text for text in texts if isinstance(text, str)]
    raise not_understood(
        "The API server's list of groups cannot be read",
        "it has another shape than Kubernetes gives",
        api.connection.server,
    )


async def _existing(api: ApiSession, served: list[_Served], namespace: str, cluster: str) -> tuple[str, ...]:
    """Objects of Cluster API, and Secrets, that are named or labelled for the cluster. Metadata only."""

    async def named(kind: _Served) -> list[str]:
        resource = metadata_of(kind.group, kind.version, kind.kind, kind.plural, True)
        try:
            found = await api.metadata(resource, namespace=namespace)
        except NotFound:
            return []
        return [f"{kind.kind}/{about.name}" for about in found if _belongs(kind, about, cluster)]

    kinds = [kind for kind in served if kind.namespaced and kind.group != _MOVE]
    lists = await asyncio.gather(*(named(kind) for kind in [*kinds, _SECRET]))
    return tuple(sorted({name for names in lists for name in names}))


_SECRET: Final = _Served("", "v1", "Secret", "secrets", True)


def _belongs(kind: _Served, about: Metadata, cluster: str) -> bool:
    if (about.labels or {}).get(_CLUSTER_NAME) == cluster:
        return True
    if kind == _SECRET:
        return about.name in {f"{cluster}-{suffix}" for suffix in _SECRETS}
    return about.name == cluster
