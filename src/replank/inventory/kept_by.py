"""Who writes an object anew from somewhere else, by its metadata: a change in the cluster does not stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_BY_KEY: Final[tuple[tuple[str, str], ...]] = (
    # Helm 3, pkg/action/validate.go; Argo CD, docs/user-guide/resource_tracking.md; Flux's controllers, owner
    # labels; kapp, app labels; Kubernetes' addon manager; Rancher's wrangler.
    ("argocd.argoproj.io/tracking-id", "Argo CD"),
    ("argocd.argoproj.io/instance", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/name", "Flux (Kustomization)"),
    ("helm.toolkit.fluxcd.io/name", "Flux (HelmRelease)"),
    ("meta.helm.sh/release-name", "Helm (release)"),
    ("kapp.k14s.io/app", "kapp"),
    ("addonmanager.kubernetes.io/mode", "the addon manager"),
    ("objectset.rio.cattle.io/id", "Rancher"),
)
"""Labels and annotations that say it alone, the outermost keeper first: Flux's Helm release is Flux's."""
_NAMED: Final = frozenset(key for key, _ in _BY_KEY if key.rpartition("/")[2] in ("name", "release-name"))
_BY_MANAGER: Final[Mapping[str, str]] = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux (Kustomization)",
    "helm-controller": "Flux (HelmRelease)",
    "helm": "Helm",
}
"""Field managers. Argo CD of old marks its objects only by a label that charts use too."""


def kept_by(metadata: Mapping[str, Any], field: str = "f:data") -> str:
    """Who keeps the object that `metadata` is of, "" where nothing says that somebody does. `field`: what a
    field manager must hold to be one of them (`f:data` of a ConfigMap, `f:spec`)."""
    marks = {**_mapping(metadata.get("labels")), **_mapping(metadata.get("annotations"))}
    for key, keeper in _BY_KEY:
        if key in marks:
            return f"{keeper} {marks[key]}" if key in _NAMED else keeper
    if found := next(
        (m for entry in _list(metadata.get("managedFields")) if (m := _manager(entry, field))), ""
    ):
        return found
    for owner in _list(metadata.get("ownerReferences")):
        if _mapping(owner).get("controller"):
            return f"{owner.get('kind', '')} {owner.get('name', '')}"
    return str(marks.get(_MANAGED_BY, ""))


def _manager(entry: object, field: str) -> str:
    """The keeper whose manager holds the field, "" for anybody else."""
    said = _mapping(entry)
    return _BY_MANAGER.get(str(said.get("manager")), "") if field in _mapping(said.get("fieldsV1")) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
