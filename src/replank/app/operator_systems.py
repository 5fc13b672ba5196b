"""What the operator's rounds reach: the management cluster, and each cluster's API server and project.

Both come from the objects that Cluster API and CAPO use themselves, so the operator needs no credentials of
its own. Secrets are asked for at every use and kept open by uid and resourceVersion: a credential that was
renewed is used with the next call, and nothing stays open beside it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from replank.domain.errors import Refused
from replank.inventory.cluster_api.names import INFRASTRUCTURE
from replank.inventory.label_selector import OPERATORS, selects
from replank.ports.access import Clock, Document, KubeApi, ObjectRef
from replank.ports.guarding import BalancedCloud, StatusApi
from replank.transports.kubernetes.source import HeldKubeconfig
from replank.transports.openstack.cloud_secret import CloudSecret

_IDENTITY: Final = ("infrastructure.cluster.x-k8s.io/v1alpha1", "OpenStackClusterIdentity")
_REMEDY: Final = (
    "Correct it; CAPO needs it just as well. Until then nothing of the cluster's project is seen."
)


class OpenApi(KubeApi, Protocol):
    """One that must be closed."""

    async def aclose(self) -> None: ...


class OpenCloud(BalancedCloud, Protocol):
    """One that must be closed."""

    def close(self) -> None: ...


class OpenManagement(StatusApi, Protocol):
    """One that must be closed."""

    async def aclose(self) -> None: ...


T = TypeVar("T")


@dataclass(slots=True)
class _Kept(Generic[T]):
    """`version`: of what it was opened with."""

    version: tuple[str, ...]
    opened: T


class OperatorSystems:
    """A `guards.work.systems.Systems`. `open_workload`, `open_cloud`: connect with the first call, and fence
    every write."""

    def __init__(
        self,
        management: OpenManagement,
        clock: Clock,
        *,
        open_workload: Callable[[HeldKubeconfig], OpenApi],
        open_cloud: Callable[[CloudSecret], OpenCloud],
    ) -> None:
        self._management = management
        self._clock = clock
        self._open_workload = open_workload
        self._open_cloud = open_cloud
        self._workloads: dict[tuple[str, str], _Kept[OpenApi]] = {}
        self._clouds: dict[tuple[str, str], _Kept[OpenCloud]] = {}

    @property
    def management(self) -> StatusApi:
        return self._management

    @property
    def clock(self) -> Clock:
        return self._clock

    async def workload(self, cluster: Document) -> KubeApi:
        """See `Systems.workload`. Raises `Refused` RP732 where the Secret is missing or has no kubeconfig."""
        key = _key(cluster)
        secret = await self._secret(key[0], f"{key[1]}-kubeconfig")
        kept, version = self._workloads.get(key), _version(secret)
        if kept is not None and kept.version == version:
            return kept.opened
        content = _decoded(secret, "value")
        if kept is not None:
            await self._workloads.pop(key).opened.aclose()
        opened = self._open_workload(HeldKubeconfig.of(content, where=_where(secret)))
        self._workloads[key] = _Kept(version, opened)
        return opened

    async def cloud(self, cluster: Document) -> BalancedCloud:
        """See `Systems.cloud`. Raises `Refused` RP731 (no way to its Secret) and RP732 (the Secret)."""
        key = _key(cluster)
        identity = await self._identity(cluster)
        secret = await self._secret(*await self._secret_of(identity, key[0]))
        name, region = str(identity["cloudName"]), str(identity.get("region") or "")
        kept, version = self._clouds.get(key), (*_version(secret), name, region)
        if kept is not None and kept.version == version:
            return kept.opened
        content = CloudSecret(
            where=_where(secret),
            cloud=name,
            region=region,
            clouds_yaml=_decoded(secret, "clouds.yaml"),
            cacert=_decoded(secret, "cacert") if "cacert" in (secret.get("data") or {}) else b"",
        )
        if kept is not None:
            self._clouds.pop(key).opened.close()
        opened = self._open_cloud(content)
        self._clouds[key] = _Kept(version, opened)
        return opened

    async def forget(self, namespace: str, name: str) -> None:
        """The Cluster is gone: closes what is open for it."""
        if (api := self._workloads.pop((namespace, name), None)) is not None:
            await api.opened.aclose()
        if (cloud := self._clouds.pop((namespace, name), None)) is not None:
            cloud.opened.close()

    async def aclose(self) -> None:
        """Closes everything."""
        for key in {*self._workloads, *self._clouds}:
            await self.forget(*key)
        await self._management.aclose()

    async def _identity(self, cluster: Document) -> dict[str, Any]:
        """The identityRef of its OpenStackCluster."""
        reference = cluster["spec"].get("infrastructureRef") or {}
        what = f"Cluster {'/'.join(_key(cluster))}"
        if reference.get("kind") != "OpenStackCluster":
            raise _no_way(
                what, f"its infrastructure is no OpenStackCluster but {reference.get('kind') or 'none'}"
            )
        name = str(reference["name"])
        found = await self._management.get(
            ObjectRef(INFRASTRUCTURE, "OpenStackCluster", _key(cluster)[0], name)
        )
        identity = ((found or {}).get("spec") or {}).get("identityRef") or {}
        if found is None or not identity.get("name") or not identity.get("cloudName"):
            why = "does not exist" if found is None else "names no identityRef with name and cloudName"
            raise _no_way(what, f"OpenStackCluster {name} {why}")
        return dict(identity)

    async def _secret_of(self, identity: dict[str, Any], namespace: str) -> tuple[str, str]:
        """Namespace and name, as CAPO finds them (v0.14.7, pkg/scope/provider.go)."""
        kind, name = identity.get("type") or "Secret", str(identity["name"])
        if kind == "Secret":
            return namespace, name
        what = f"OpenStackClusterIdentity {name}"
        if kind != "ClusterIdentity":
            raise _no_way(f"identityRef {name}", f"its type {kind} is unknown")
        found = await self._management.get(ObjectRef(*_IDENTITY, "", name))
        if found is None:
            raise _no_way(what, "it does not exist")
        selector = found["spec"].get("namespaceSelector")
        if selector is not None:
            home = await self._management.get(ObjectRef("v1", "Namespace", "", namespace))
            labels = ((home or {}).get("metadata") or {}).get("labels") or {}
            operators = {term["operator"] for term in selector.get("matchExpressions") or ()}
            if not operators <= OPERATORS or not selects(selector, labels):
                raise _no_way(what, f"its namespaceSelector does not let namespace {namespace} use it")
        reference = found["spec"]["secretRef"]
        return str(reference["namespace"]), str(reference["name"])

    async def _secret(self, namespace: str, name: str) -> Document:
        found = await self._management.get(ObjectRef("v1", "Secret", namespace, name))
        if found is None:
            raise _bad_secret(f"Secret {namespace}/{name}", "it does not exist")
        return found


def _key(cluster: Document) -> tuple[str, str]:
    return cluster["metadata"]["namespace"], cluster["metadata"]["name"]


def _version(secret: Document) -> tuple[str, ...]:
    meta = secret["metadata"]
    return _where(secret), meta["uid"], meta["resourceVersion"]


def _where(secret: Document) -> str:
    return f"Secret {secret['metadata']['namespace']}/{secret['metadata']['name']}"


def _decoded(secret: Document, key: str) -> bytes:
    try:
        return base64.b64decode(secret["data"][key], validate=True)
    except (KeyError, TypeError, binascii.Error):
        # Not chained: nothing of a Secret goes anywhere.
        raise _bad_secret(_where(secret), f"it has no usable key {key}") from None


def _no_way(what: str, why: str) -> Refused:
    return Refused("RP731", f"{what}: its OpenStack project cannot be found", why, _REMEDY)


def _bad_secret(what: str, why: str) -> Refused:
    return Refused("RP732", f"{what} cannot be used", why, "Correct it; the operator looks again by itself.")
