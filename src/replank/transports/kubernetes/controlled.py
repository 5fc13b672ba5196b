"""Reads the objects of one Cluster on its management cluster, for a runtime swap. Only lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from replank.domain.errors import Refused
from replank.inventory.cluster_api.controlled import ClusterApiFacts
from replank.inventory.cluster_api.names import (
    BOOTSTRAP,
    CLUSTER_NAME,
    CONTROL_PLANE,
    CORE,
    INFRASTRUCTURE,
)
from replank.inventory.cluster_api.object_meta import key_of, part
from replank.inventory.fleet.model import KubeconfigRef, ManagementTarget
from replank.ports.access import Document, KubeApi
from replank.transports.kubernetes.discovery import NOT_SERVED

_OLD_CORE: Final = "cluster.x-k8s.io/v1beta1"
_LABELLED: Final = (
    (CONTROL_PLANE, "KubeadmControlPlane"),
    (CORE, "MachineDeployment"),
    (CORE, "MachineSet"),
    (CORE, "Machine"),
    (BOOTSTRAP, "KubeadmConfig"),
)
"""Kinds that carry the cluster's name; Cluster API serves them all."""
_OPTIONAL: Final = (
    (INFRASTRUCTURE, "OpenStackMachine"),
    (CORE, "MachinePool"),
)
"""Kinds that another infrastructure, or Cluster API without the gate, does not serve."""
_WHOLE: Final = (
    (BOOTSTRAP, "KubeadmConfigTemplate"),
    (INFRASTRUCTURE, "OpenStackMachineTemplate"),
    (CORE, "MachineHealthCheck"),
)
"""Kinds that need not carry the label."""


class KubernetesClusterApiReader:
    """A `ClusterApiReader`. `opened`: an API server of a kubeconfig, to be closed by `aclose`."""

    def __init__(self, *, opened: Callable[[KubeconfigRef], Any] | None = None) -> None:
        self._opened = opened or _opened

    async def read(self, target: ManagementTarget, cluster: str, version: str) -> ClusterApiFacts | None:
        """See `ports.readers.ClusterApiReader`. Raises `ReplankError` RP050 to RP059 and RP906."""
        if target.kubeconfig is None:
            raise Refused(
                "RP050",
                "The management cluster cannot be read",
                "fleet.yaml names no kubeconfig for it",
                "Add `management.kubeconfig` to fleet.yaml.",
            )
        async with self._opened(target.kubeconfig) as api:
            return await read_controlled(api, target.namespace, cluster, version)


async def read_controlled(api: KubeApi, namespace: str, cluster: str, version: str) -> ClusterApiFacts | None:
    """All of the Cluster's objects; None where there is no such Cluster, or no Cluster API at all."""
    from replank.inventory.cluster_api.controlled_objects import controlled

    about = await _cluster(api, namespace, cluster)
    if about is None:
        return None
    objects: dict[str, Document] = {key_of(about): about}
    own = {CLUSTER_NAME: cluster}
    for group, kind in _LABELLED:
        objects.update({key_of(d): d for d in await api.list(group, kind, namespace, own)})
    for group, kind in _OPTIONAL:
        objects.update({key_of(d): d for d in await _where_served(api, group, kind, namespace, own)})
    named = _named(objects)
    for group, kind in _WHOLE:
        for document in await _where_served(api, group, kind, namespace, None):
            if kind == "MachineHealthCheck" or key_of(document) in named:
                objects[key_of(document)] = document
    return controlled(objects, cluster, namespace, version)


async def _cluster(api: KubeApi, namespace: str, cluster: str) -> Document | None:
    for group in (CORE, _OLD_CORE):
        there = await _where_served(api, group, "Cluster", namespace, None)
        found = next((document for document in there if document["metadata"]["name"] == cluster), None)
        if found is not None and group == _OLD_CORE:
            raise Refused(
                "RP970",
                f"The objects of Cluster {namespace}/{cluster} cannot be read",
                "its Cluster API does not serve v1beta2",
                "Upgrade Cluster API to 1.11 or newer, then survey again.",
            )
        if found is not None:
            return found
    return None


async def _where_served(
    api: KubeApi, group: str, kind: str, namespace: str, labels: dict[str, str] | None
) -> tuple[Document, ...]:
    """Nothing where the kind is not served at all."""
    try:
        return await api.list(group, kind, namespace, labels)
    except Refused as error:
        if error.code != NOT_SERVED:
            raise
        return ()


def _named(objects: dict[str, Document]) -> set[str]:
    """Templates that KubeadmControlPlane and MachineDeployments call by name."""
    from replank.inventory.cluster_api.controlled_objects import KEEPERS, machine_template

    found = set()
    for document in objects.values():
        if document["kind"] in KEEPERS:
            template = machine_template(document)
            for reference in (part(template, "infrastructureRef"), part(template, "bootstrap", "configRef")):
                found.add(f"{reference.get('kind')}/{reference.get('name')}")
    return found


def _opened(kubeconfig: KubeconfigRef) -> Any:
    from replank.transports.kubernetes.api import KubernetesApi

    return KubernetesApi(kubeconfig, fence=_never_writes)


def _never_writes() -> NoReturn:
    raise AssertionError("a survey does not write")
