"""The live objects of one cluster on the management cluster.

A namespace may hold many clusters, so objects are found by the label that Cluster API's webhooks and
controllers put on everything of a cluster, the Cluster by its name, and an OpenStackServer by its
OpenStackMachine's name as well (CAPO copies the label only if the OpenStackCluster has it, v0.14.7
controllers/openstackmachine_controller.go getOrCreateMachineServer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.live_object import name_of
from replank.migrations.takeover.vocabulary import (
    CLUSTER_NAME,
    INFRASTRUCTURE,
    bootstrap_version,
    control_plane_version,
    core_version,
    infrastructure_version,
)
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Document, ObjectRef

SERVER_KIND: Final = "OpenStackServer"

CHILDREN_FIRST: Final = (
    SERVER_KIND,
    "OpenStackMachine",
    "KubeadmConfig",
    "Machine",
    "MachinePool",
    "MachineSet",
    "MachineDeployment",
    "KubeadmControlPlane",
    "KubeadmConfigTemplate",
    "OpenStackMachineTemplate",
    "OpenStackCluster",
    "Cluster",
)
"""Every kind of Cluster API and CAPO that belongs to one cluster; owned ones stand before their owners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`objects`: `Kind/name` -> live object, in the order of `CHILDREN_FIRST`, then by name."""

    objects: Mapping[str, Document]

    def of(self, kind: str) -> dict[str, Document]:
        """Objects of one kind by name."""
        return {name_of(found): found for found in self.objects.values() if found["kind"] == kind}

    def get(self, kind: str, name: str) -> Document | None:
        """One object, None where it was not seen."""
        return self.objects.get(key(kind, name))


def api_version(plan: TakeoverPlan, kind: str) -> str:
    """The API version by which the plan's objects of a kind are read."""
    targets = plan.targets
    if kind == SERVER_KIND:
        return f"{INFRASTRUCTURE}/v1alpha1"
    if kind.startswith("OpenStack"):
        return infrastructure_version(targets)
    if kind == "KubeadmControlPlane":
        return control_plane_version(targets)
    if kind.startswith("KubeadmConfig"):
        return bootstrap_version(targets)
    return core_version(targets)


async def look(at: At, kinds: Sequence[str] = CHILDREN_FIRST) -> Family:
    """The cluster's live objects of these kinds, whether they are the plan's or not."""
    found: dict[str, Document] = {}
    for kind in CHILDREN_FIRST:
        if kind in kinds:
            for document in sorted(await _of_kind(at, kind), key=name_of):
                found[key(kind, name_of(document))] = document
    return Family(objects=found)


async def _of_kind(at: At, kind: str) -> list[Document]:
    plan, api = at.plan, at.access.management
    version = api_version(plan, kind)
    if kind == "Cluster":
        cluster = await api.get(ObjectRef(version, kind, plan.namespace, plan.cluster))
        return [cluster] if cluster is not None else []
    found = list(await api.list(version, kind, plan.namespace, {CLUSTER_NAME: plan.cluster}))
    if kind == SERVER_KIND:
        seen = {name_of(document) for document in found}
        for name in sorted(server_names(plan) - seen):
            server = await api.get(ObjectRef(version, kind, plan.namespace, name))
            if server is not None:
                found.append(server)
    # List items come without apiVersion and kind from a real API server.
    return [{**document, "apiVersion": version, "kind": kind} for document in found]


def server_names(plan: TakeoverPlan) -> set[str]:
    """Names of the OpenStackServers that CAPO makes for the plan's OpenStackMachines."""
    return {name_in(key) for key in plan.manifests if kind_in(key) == "OpenStackMachine"}


async def live(at: At, manifest_key: str) -> Document | None:
    """The live object of one of the plan's manifests."""
    return await at.access.management.get(ObjectRef.of(at.plan.manifests[manifest_key]))


def of_kind(plan: TakeoverPlan, kind: str) -> list[str]:
    """Names of the plan's objects of a kind."""
    return [name_in(key) for key in plan.manifests if kind_in(key) == kind]


def kind_in(manifest_key: str) -> str:
    """The kind in a key `Kind/name`."""
    return manifest_key.partition("/")[0]


def name_in(manifest_key: str) -> str:
    """The name in a key `Kind/name`."""
    return manifest_key.partition("/")[2]
