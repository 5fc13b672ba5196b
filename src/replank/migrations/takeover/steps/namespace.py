"""A namespace is deleted only if this takeover made it and nobody has put anything into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.takeover.steps.at import At
from replank.migrations.takeover.steps.family import live
from replank.migrations.takeover.steps.live_object import name_of, uid_of, version_of
from replank.ports.access import ObjectRef

# Kubernetes makes these in every namespace, or they say nothing of their own.
_OF_EVERY_NAMESPACE: Final = {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
_TRACES: Final = frozenset({"Event", "Lease"})
_GONE_WITHIN_S: Final = 30.0
_LOOK_EVERY_S: Final = 1.0


async def delete_if_empty(at: At, manifest_key: str) -> JSON:
    """Deletes the namespace, or says why it stays. Waits a moment for it to be gone."""
    namespace = await live(at, manifest_key)
    if namespace is None:
        return "gone"
    ref = ObjectRef.of(at.plan.manifests[manifest_key])
    left = await _left_in(at, ref.name)
    if left:
        return f"kept, for it holds {', '.join(left[:20])}"
    api, clock = at.access.management, at.access.clock
    await api.delete(ref, uid=uid_of(namespace), resource_version=version_of(namespace))
    deadline = clock.now() + _GONE_WITHIN_S
    while await api.get(ref) is not None:
        if clock.now() >= deadline:
            return "deleted; Kubernetes is still at it"
        await clock.sleep(_LOOK_EVERY_S)
    return "deleted"


async def _left_in(at: At, namespace: str) -> list[str]:
    """`Kind/name` of everything in it; what may not be looked at counts as being there."""
    left: set[str] = set()
    for version, path in (await _versions(at)).items():
        try:
            resources = (await at.access.management.document(path)).get("resources") or []
        except Refused as refused:
            left.add(f"perhaps objects of {version} ({refused.code}: it does not say what it serves)")
            continue
        for kind in sorted({str(resource["kind"]) for resource in resources if _holds_objects(resource)}):
            left |= await _of_kind(at, version, kind, namespace)
    return sorted(left)


async def _versions(at: At) -> dict[str, str]:
    """Each group's preferred version, with the path of its discovery document."""
    versions = {"v1": "/api/v1"}
    for group in (await at.access.management.document("/apis")).get("groups") or []:
        preferred = (group.get("preferredVersion") or group["versions"][0])["groupVersion"]
        versions[preferred] = f"/apis/{preferred}"
    return dict(sorted(versions.items()))


async def _of_kind(at: At, version: str, kind: str, namespace: str) -> set[str]:
    if kind in _TRACES:
        return set()
    try:
        found = await at.access.management.list(version, kind, namespace)
    except Refused as refused:
        return {f"perhaps objects of kind {kind} ({refused.code}: they cannot be listed)"}
    names = {name_of(document) for document in found}
    return {f"{kind}/{name}" for name in names if (kind, name) not in _OF_EVERY_NAMESPACE}


def _holds_objects(resource: Mapping[str, Any]) -> bool:
    # metrics.k8s.io shows Pods once more, and can be listed but not deleted.
    verbs = resource.get("verbs") or []
    return (
        bool(resource.get("namespaced"))
        and "/" not in str(resource["name"])
        and {"list", "delete"} <= set(verbs)
    )
