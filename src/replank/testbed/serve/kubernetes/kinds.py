"""Where a kind is served: plural and scope, as the real API server has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from replank.testbed.world import Document


@dataclass(frozen=True, slots=True)
class ServedResource:
    """One resource of one version. `api_version`: `v1` or `group/version`."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def root(self) -> str:
        """`/api/v1` or `/apis/<group>/<version>`."""
        return f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"


_BUILT_IN: Final = {
    "v1": (
        "ConfigMap configmaps +, Event events +, Namespace namespaces -, Node nodes -,"
        "PersistentVolume persistentvolumes -, PersistentVolumeClaim persistentvolumeclaims +, Pod pods +,"
        "Secret secrets +, Service services +, ServiceAccount serviceaccounts +"
    ),
    "apps/v1": "DaemonSet daemonsets +, Deployment deployments +, ReplicaSet replicasets +,"
    "StatefulSet statefulsets +",
    "batch/v1": "CronJob cronjobs +, Job jobs +",
    "coordination.k8s.io/v1": "Lease leases +",
    "policy/v1": "PodDisruptionBudget poddisruptionbudgets +",
    "rbac.authorization.k8s.io/v1": "ClusterRole clusterroles -, ClusterRoleBinding clusterrolebindings -,"
    "Role roles +, RoleBinding rolebindings +",
    "storage.k8s.io/v1": "CSIDriver csidrivers -, CSINode csinodes -, StorageClass storageclasses -,"
    "VolumeAttachment volumeattachments -",
    "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration mutatingwebhookconfigurations -,"
    "ValidatingWebhookConfiguration validatingwebhookconfigurations -",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition customresourcedefinitions -",
}


def built_in() -> tuple[ServedResource, ...]:
    """What every API server serves, as far as replank is concerned."""
    found = []
    for api_version, text in _BUILT_IN.items():
        for entry in text.split(","):
            kind, plural, scope = entry.split()
            found.append(ServedResource(api_version, kind, plural, scope == "+"))
    return tuple(found)


def served_by(objects: list[Document]) -> tuple[ServedResource, ...]:
    """Built-in resources, those of the CustomResourceDefinitions, and a guess for any other kind."""
    found = {(r.api_version, r.kind): r for r in built_in()}
    for document in objects:
        if document.get("kind") == "CustomResourceDefinition":
            found |= {(r.api_version, r.kind): r for r in _of_crd(document["spec"])}
    for document in objects:
        key = (document["apiVersion"], document["kind"])
        if key not in found:
            namespaced = "namespace" in document["metadata"]
            found[key] = ServedResource(key[0], key[1], _guess_plural(key[1]), namespaced)
    return tuple(found.values())


def _of_crd(spec: dict[str, Any]) -> list[ServedResource]:
    names = spec["names"]
    return [
        ServedResource(
            f"{spec['group']}/{version['name']}",
            names["kind"],
            names["plural"],
            spec.get("scope", "Namespaced") == "Namespaced",
        )
        for version in spec["versions"]
        if version.get("served", True)
    ]


def _guess_plural(kind: str) -> str:
    name = kind.lower()
    if name.endswith(("s", "x", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in ("a", "e", "o", "u"):
        return f"{name[:-1]}ies"
    return f"{name}s"
