"""A Kubernetes API for scenarios: manifests from templates by server-side apply, objects as dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import lightkube
import yaml
from lightkube.core.exceptions import ApiError, LoadResourceError
from lightkube.core.resource_registry import resource_registry
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.types import PatchType

MANIFESTS = Path(__file__).parent / "manifests"
FIELD_MANAGER = "proving-ground"

_CORE = "cluster.x-k8s.io"
KINDS: Mapping[str, tuple[str, str, str]] = {
    "Cluster": (_CORE, "v1beta2", "clusters"),
    "Machine": (_CORE, "v1beta2", "machines"),
    "MachineSet": (_CORE, "v1beta2", "machinesets"),
    "MachineDeployment": (_CORE, "v1beta2", "machinedeployments"),
    "MachineHealthCheck": (_CORE, "v1beta2", "machinehealthchecks"),
    "KubeadmConfig": (f"bootstrap.{_CORE}", "v1beta2", "kubeadmconfigs"),
    "KubeadmConfigTemplate": (f"bootstrap.{_CORE}", "v1beta2", "kubeadmconfigtemplates"),
    "KubeadmControlPlane": (f"controlplane.{_CORE}", "v1beta2", "kubeadmcontrolplanes"),
    "OpenStackCluster": (f"infrastructure.{_CORE}", "v1beta1", "openstackclusters"),
    "OpenStackMachine": (f"infrastructure.{_CORE}", "v1beta1", "openstackmachines"),
    "OpenStackMachineTemplate": (f"infrastructure.{_CORE}", "v1beta1", "openstackmachinetemplates"),
    "OpenStackServer": (f"infrastructure.{_CORE}", "v1alpha1", "openstackservers"),
    "ClusterGuard": ("replank.dev", "v1alpha1", "clusterguards"),
    "Secret": ("", "v1", "secrets"),
    "Pod": ("", "v1", "pods"),
    "ConfigMap": ("", "v1", "configmaps"),
    "Deployment": ("apps", "v1", "deployments"),
    "DaemonSet": ("apps", "v1", "daemonsets"),
    "StatefulSet": ("apps", "v1", "statefulsets"),
    "Service": ("", "v1", "services"),
    "ServiceAccount": ("", "v1", "serviceaccounts"),
    "PodDisruptionBudget": ("policy", "v1", "poddisruptionbudgets"),
    "Event": ("", "v1", "events"),
    "CronJob": ("batch", "v1", "cronjobs"),
    "Role": ("rbac.authorization.k8s.io", "v1", "roles"),
    "RoleBinding": ("rbac.authorization.k8s.io", "v1", "rolebindings"),
}
GLOBAL_KINDS: Mapping[str, tuple[str, str, str]] = {
    "Namespace": ("", "v1", "namespaces"),
    "Node": ("", "v1", "nodes"),
    "CustomResourceDefinition": ("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
    "OpenStackClusterIdentity": (f"infrastructure.{_CORE}", "v1alpha1", "openstackclusteridentities"),
    "ClusterRole": ("rbac.authorization.k8s.io", "v1", "clusterroles"),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
}


class Kube:
    """One API server, reached with a kubeconfig file."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        # Any: lightkube's overloads want each kind's own class, and scenarios take the kind as a word.
        self._client: Any = lightkube.Client(
            config=lightkube.KubeConfig.from_file(str(kubeconfig)), field_manager=FIELD_MANAGER
        )

    def apply(self, document: Mapping[str, Any]) -> None:
        """Server-side apply of one object, fields of others taken over."""
        resource = _resource(document["kind"])
        namespace = document["metadata"].get("namespace")
        name = document["metadata"]["name"]
        more = {"namespace": namespace} if namespace else {}
        self._client.patch(
            resource,
            name,
            dict(document),
            patch_type=PatchType.APPLY,
            force=True,
            **more,
        )

    def apply_status(self, document: Mapping[str, Any]) -> None:
        """The same of an object's status."""
        metadata = document["metadata"]
        self._client.patch(
            _resource(document["kind"]).Status,
            metadata["name"],
            dict(document),
            patch_type=PatchType.APPLY,
            force=True,
            namespace=metadata["namespace"],
        )

    def apply_template(self, name: str, values: Mapping[str, object]) -> None:
        """Applies every object of a template in `manifests/`, in its order."""
        for document in render(name, values):
            self.apply(document)

    def find(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """An object, None where there is none."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.status.code == 404:
                return None
            raise

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        """An object. Raises lightkube's `ApiError` where there is none."""
        more = {"namespace": namespace} if namespace else {}
        found = self._client.get(_resource(kind), name, **more)
        return _plain(found)

    def list(
        self, kind: str, namespace: str = "", labels: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Objects by name."""
        more: dict[str, Any] = {"namespace": namespace} if namespace else {}
        if kind in KINDS and not namespace:
            more["namespace"] = "*"
        found = [
            _plain(item) for item in self._client.list(_resource(kind), labels=dict(labels or {}), **more)
        ]
        return sorted(found, key=lambda item: str(item["metadata"]["name"]))

    def merge(self, kind: str, name: str, patch: Mapping[str, Any], namespace: str = "") -> None:
        """A JSON merge patch (RFC 7386): None removes a field."""
        more = {"namespace": namespace} if namespace else {}
        self._client.patch(
            _resource(kind),
            name,
            dict(patch),
            patch_type=PatchType.MERGE,
            **more,
        )

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Asks for deletion; an absent object is no error."""
        more = {"namespace": namespace} if namespace else {}
        try:
            self._client.delete(_resource(kind), name, **more)
        except ApiError as error:
            if error.status.code != 404:
                raise


def render(name: str, values: Mapping[str, object], folder: Path = MANIFESTS) -> list[dict[str, Any]]:
    """The objects of a template. A value that a template asks for and nobody gave is an error."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True}
    text = environment.get_template(name).render(**values)
    return [document for document in yaml.safe_load_all(text) if document]


def condition(document: Mapping[str, Any], kind: str) -> str:
    """Status of a condition ("True", "False", "Unknown"), "" where it is absent."""
    conditions = document.get("status", {}).get("conditions") or []
    return next((str(c["status"]) for c in conditions if c["type"] == kind), "")


def unmet(document: Mapping[str, Any], kind: str) -> str:
    """ "" where the condition is True, else it in words."""
    conditions = document.get("status", {}).get("conditions") or []
    found = next((c for c in conditions if c["type"] == kind), None)
    if found is None:
        return f"no condition {kind}"
    if found["status"] == "True":
        return ""
    return f"{kind}={found['status']} {found.get('reason', '')}: {found.get('message', '')}"


def _plain(found: Any) -> dict[str, Any]:
    document: dict[str, Any] = found.to_dict()
    return document


def _resource(kind: str) -> Any:
    """lightkube's class of a kind: its own for Kubernetes' kinds, a generic one for Cluster API's."""
    everywhere = kind in GLOBAL_KINDS
    group, version, plural = GLOBAL_KINDS[kind] if everywhere else KINDS[kind]
    try:
        return resource_registry.load(f"{group}/{version}" if group else version, kind)
    except LoadResourceError:
        create = create_global_resource if everywhere else create_namespaced_resource
        return create(group, version, kind, plural)
