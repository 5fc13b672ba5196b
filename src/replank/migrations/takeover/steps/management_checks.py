"""Checks of the management cluster before anything is written to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from replank.domain.verdict import Verdict, failed, passed
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.checks.versions import parse_version
from replank.migrations.takeover.manifest import key
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import CHILDREN_FIRST, SERVER_KIND, api_version
from replank.migrations.takeover.steps.live_object import labels_of, name_of
from replank.migrations.takeover.vocabulary import CLUSTER_NAME
from replank.plan.parameters import text, texts
from replank.plan.takeover import TakeoverPlan
from replank.ports.access import Document

_ORC: Final = ("openstack.k-orc.cloud/v1alpha1", "Image")
"""CAPO watches it always (v0.14.7, OpenStackServerReconciler.SetupWithManager)."""

_INVENTORY: Final = ("clusterctl.cluster.x-k8s.io", "clusterctl.cluster.x-k8s.io/v1alpha3")
_LABEL: Final = "cluster.x-k8s.io/provider"
_MANAGERS: Final = {
    "capi-controller-manager": "cluster-api",
    "capi-kubeadm-bootstrap-controller-manager": "bootstrap-kubeadm",
    "capi-kubeadm-control-plane-controller-manager": "control-plane-kubeadm",
    "capo-controller-manager": "infrastructure-openstack",
}
"""Deployment -> what clusterctl calls the provider (cmd/clusterctl/api/v1alpha3, ManifestLabel)."""


async def providers(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.providers`: every kind of the plan is served in the plan's API version, and the four
    providers run in its minor version. Another patch version passes and stands in the evidence."""
    unserved = await _unserved(at, texts(params, "kinds"))
    running = await _running(at)
    wanted = _wanted(at.plan)
    wrong = [f"{version} serves no {kind}" for version, kind in unserved]
    patches: dict[str, JSON] = {}
    for name, version in wanted.items():
        if name not in running:
            wrong.append(f"provider {name} was not found")
        elif not _same_minor(running[name], version):
            wrong.append(f"provider {name} is {running[name]}, the plan is for {version}")
        elif running[name] != version:
            patches[name] = running[name]
    if wrong:
        return failed(
            "; ".join(wrong),
            "Bring the management cluster to the plan's versions, or plan for those that run.",
            running=dict(running),
        )
    return passed(running={name: running[name] for name in wanted}, other_patch_version=patches)


def _wanted(plan: TakeoverPlan) -> dict[str, str]:
    core = dict.fromkeys((name for name in _MANAGERS.values() if "openstack" not in name), "")
    return dict.fromkeys(core, plan.targets.cluster_api) | {"infrastructure-openstack": plan.targets.capo}


def _same_minor(runs: str, wanted: str) -> bool:
    there, planned = parse_version(runs), parse_version(wanted)
    return there is not None and planned is not None and there[:2] == planned[:2]


async def _unserved(at: At, kinds: Collection[str]) -> list[tuple[str, str]]:
    wanted = {
        (str(m["apiVersion"]), str(m["kind"])) for m in at.plan.manifests.values() if m["kind"] in kinds
    }
    wanted |= {(api_version(at.plan, SERVER_KIND), SERVER_KIND), _ORC}
    api = at.access.management
    versions = await _group_versions(at)
    served: set[tuple[str, str]] = set()
    for version in sorted({version for version, _ in wanted}):
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if "/" in version and version not in versions:
            continue
        resources = (await api.document(path)).get("resources") or []
        served |= {(version, str(resource["kind"])) for resource in resources}
    return sorted(wanted - served)


async def _group_versions(at: At) -> set[str]:
    groups = (await at.access.management.document("/apis")).get("groups") or []
    return {str(version["groupVersion"]) for group in groups for version in group.get("versions") or []}


async def _running(at: At) -> dict[str, str]:
    """Provider -> version: clusterctl's inventory, completed by the managers' Deployments."""
    api = at.access.management
    found: dict[str, str] = {}
    for deployment in await api.list("apps/v1", "Deployment"):
        name = labels_of(deployment).get(_LABEL) or _MANAGERS.get(name_of(deployment), "")
        if name in _MANAGERS.values():
            found.update(_image_version(name, deployment))
    if any(version.startswith(f"{_INVENTORY[0]}/") for version in await _group_versions(at)):
        for provider in await api.list(_INVENTORY[1], "Provider"):
            found[name_of(provider)] = str(provider.get("version", ""))
    return found


def _image_version(name: str, deployment: Document) -> Iterator[tuple[str, str]]:
    for container in deployment["spec"]["template"]["spec"].get("containers") or []:
        image = str(container.get("image", ""))
        if "rbac-proxy" not in image:
            yield name, image.partition("@")[0].rpartition("/")[2].partition(":")[2]
            return


async def nothing_there(at: At, params: Mapping[str, JSON]) -> Verdict:
    """Check `cluster-api.nothing-there`: no object of Cluster API in the namespace carries the cluster's name
    or label. Secrets have a check of their own."""
    namespace, cluster = text(params, "namespace"), text(params, "cluster")
    there: list[str] = []
    for kind in CHILDREN_FIRST:
        version = api_version(at.plan, kind)
        for document in await at.access.management.list(version, kind, namespace):
            if labels_of(document).get(CLUSTER_NAME) == cluster or name_of(document) == cluster:
                there.append(key(kind, name_of(document)))
    if there:
        return failed(
            f"{', '.join(there)} stands in namespace {namespace} already",
            "Find out whose it is. What an earlier run left goes by its undo, never by a plain delete.",
            there=list(there),
        )
    return passed(namespace=namespace)
