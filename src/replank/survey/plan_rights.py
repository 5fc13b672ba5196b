"""Every right in Kubernetes that carrying out a plan, and undoing it, needs. Pure.

The kinds come from the plan's manifests; the fixed ones are what the steps and the lease touch besides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from replank.inventory.cluster_api.names import BOOTSTRAP, CONTROL_PLANE, CORE, INFRASTRUCTURE
from replank.inventory.node_pods import NAMESPACE as NODE_PODS_IN
from replank.plan.runtime_swap import MEASURED_IN, ClusterApiPart
from replank.plan.takeover import TakeoverPlan
from replank.ports.rights import Right

_READ: Final = ("get", "list")
# Server-side apply asks for `create` too where the object is not there yet (apiserver, handlers/patch.go).
_WRITE: Final = ("get", "list", "create", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRights:
    """Sorted, without doubles, for each of the two API servers."""

    management: tuple[Right, ...]
    workload: tuple[Right, ...]


def needed_rights(plan: TakeoverPlan) -> NeededRights:
    """All rights that apply and undo of `plan` need."""
    return NeededRights(management=_sorted(_management(plan)), workload=_sorted(_workload()))


def swap_rights(*, drains: bool, measures: bool = False) -> tuple[Right, ...]:
    """All rights that a runtime swap needs, in the workload cluster. `drains`: nodes are emptied. The right
    to evict (`create` on `pods/eviction`) is asked for by the first eviction. `measures`: pods are started in
    a namespace; to make that, where it is not there, is not asked for."""
    lease = _rights(("get", "create", "patch", "delete"), "coordination.k8s.io/v1", "Lease", "kube-system")
    node = (*_READ, "patch") if drains else _READ
    budgets = _rights(("list",), "policy/v1", "PodDisruptionBudget", "") if drains else ()
    measuring = _measuring() if measures else ()
    pods = _rights(("list",), "v1", "Pod", "")
    return _sorted((*_rights(node, "v1", "Node", ""), *pods, *budgets, *lease, *measuring))


def _measuring() -> Iterable[Right]:
    yield from _rights(("get",), "v1", "Namespace", "", MEASURED_IN)
    yield from _rights(("create", "delete"), "v1", "Pod", MEASURED_IN)
    yield from _rights(("list",), "v1", "Event", MEASURED_IN)


def node_pod_rights() -> tuple[Right, ...]:
    """All rights that reaching nodes by pods needs. To make and remove their namespace, where it is not
    there, is not asked for, nor is `pods/exec`: the first command asks."""
    pods = _rights(("get", "list", "create", "delete"), "v1", "Pod", NODE_PODS_IN)
    return _sorted((*pods, *_rights(("get",), "v1", "Namespace", "", NODE_PODS_IN)))


def align_rights(part: ClusterApiPart) -> tuple[Right, ...]:
    """All rights that a runtime swap needs in the management cluster: to look at what moves, and to change
    exactly the planned objects."""
    found: list[Right] = []
    for version, kinds in _ALIGNED.items():
        for kind in kinds:
            found += _rights(("list",), version, kind, part.namespace)
    for key, version in sorted(_touched(part).items()):
        kind, _, name = key.partition("/")
        found += _rights(("get", "patch"), version, kind, part.namespace, name)
    for template in part.templates:
        version, kind = template.api_version, "OpenStackMachineTemplate"
        found += _rights(("get",), version, kind, part.namespace, template.like)
        found += _rights(("create",), version, kind, part.namespace)
        found += _rights(("get", "delete"), version, kind, part.namespace, template.name)
    return _sorted(found)


def _touched(part: ClusterApiPart) -> Mapping[str, str]:
    """`Kind/name` -> version of what is edited or paused."""
    edited = {edit.object: edit.api_version for a in part.alignments for edit in a.edits}
    versions = {kind: version for version, kinds in _ALIGNED.items() for kind in kinds}
    return {key: versions[key.partition("/")[0]] for a in part.alignments for key in a.pauses} | edited


_ALIGNED: Final[Mapping[str, tuple[str, ...]]] = {
    CORE: ("Machine", "MachineDeployment", "MachineSet"),
    CONTROL_PLANE: ("KubeadmControlPlane",),
    BOOTSTRAP: ("KubeadmConfig",),
    INFRASTRUCTURE: ("OpenStackMachine",),
}
"""Kinds by which Cluster API judges (migrations/runtime_swap/steps/controlled.py)."""


def _management(plan: TakeoverPlan) -> Iterable[Right]:
    for manifest in plan.manifests.values():
        metadata = manifest.get("metadata")
        about = metadata if isinstance(metadata, Mapping) else {}
        version, kind = str(manifest["apiVersion"]), str(manifest["kind"])
        if kind == "Namespace":
            yield from _one(version, kind, "", str(about.get("name", "")))
        else:
            yield from _rights(_WRITE, version, kind, str(about.get("namespace", "")))
    for namespace in {plan.namespace, *(secret.namespace for secret in plan.secrets)}:
        yield from _rights(_WRITE, "v1", "Secret", namespace)
    credentials = plan.settings.get("credentials")
    if isinstance(credentials, Mapping) and credentials.get("kind") == "identity":
        version = "infrastructure.cluster.x-k8s.io/v1alpha1"
        name = str(credentials.get("name", ""))
        yield Right(namespace="", api_version=version, kind="OpenStackClusterIdentity", verb="get", name=name)
    # CAPO makes them; they get the cluster-name label, and undo removes them with the OpenStackMachines.
    group = "infrastructure.cluster.x-k8s.io/v1alpha1"
    yield from _rights(("get", "list", "patch", "delete"), group, "OpenStackServer", plan.namespace)
    # Whether anything of the cluster is there that is not the plan's: kinds without a manifest as well.
    for version, kinds in _listed(plan).items():
        for kind in kinds:
            yield from _rights(("list",), version, kind, plan.namespace)
    yield from _rights(_READ, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "")
    yield from _rights(("list",), "apps/v1", "Deployment", "")
    yield from _rights(("list",), "clusterctl.cluster.x-k8s.io/v1alpha3", "Provider", "")


def _listed(plan: TakeoverPlan) -> Mapping[str, tuple[str, ...]]:
    core, capo = plan.targets.cluster_api_version, plan.targets.capo_api_version
    group = "cluster.x-k8s.io"
    return {
        f"{group}/{core}": ("Cluster", "Machine", "MachineDeployment", "MachinePool", "MachineSet"),
        f"bootstrap.{group}/{core}": ("KubeadmConfig", "KubeadmConfigTemplate"),
        f"controlplane.{group}/{core}": ("KubeadmControlPlane",),
        f"infrastructure.{group}/{capo}": (
            *("OpenStackCluster", "OpenStackMachine", "OpenStackMachineTemplate"),
        ),
    }


def _workload() -> Iterable[Right]:
    # providerIDs that are empty are filled; undo takes Cluster API's annotations off.
    yield from _rights(("get", "list", "patch"), "v1", "Node", "")
    # The lease that keeps two runs off one cluster (engine/lease.py).
    yield from _one("coordination.k8s.io/v1", "Lease", "kube-system", "replank")


def _one(api_version: str, kind: str, namespace: str, name: str) -> Iterable[Right]:
    """Making one object, reading, writing and deleting it. RBAC cannot tie `create` to a name."""
    yield from _rights(("create",), api_version, kind, namespace)
    yield from _rights(("get", "patch", "delete"), api_version, kind, namespace, name)


def _rights(
    verbs: Iterable[str], api_version: str, kind: str, namespace: str, name: str = ""
) -> Iterable[Right]:
    for verb in verbs:
        yield Right(namespace=namespace, api_version=api_version, kind=kind, verb=verb, name=name)


def _sorted(rights: Iterable[Right]) -> tuple[Right, ...]:
    return tuple(sorted(set(rights)))
