"""RBAC for survey, apply, verify and remedy, as manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.node_pods import NAMESPACE as NODE_PODS_IN
from replank.plan.runtime_swap import MEASURED_IN

Manifest = dict[str, JSON]

_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("nodes", "pods", "services", "persistentvolumes"),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "batch": ("jobs",),
    "policy": ("poddisruptionbudgets",),
    "storage.k8s.io": ("volumeattachments",),
    "admissionregistration.k8s.io": ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
    "rbac.authorization.k8s.io": ("clusterrolebindings",),
}
_KUBE_SYSTEM_CONFIGS: Final = ("kubeadm-config", "kubelet-config")
_WRITE: Final = ("get", "list", "watch", "create", "patch", "update", "delete")
_CAPI_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster.x-k8s.io": ("clusters", "machinedeployments", "machinepools", "machines", "machinesets"),
    "controlplane.cluster.x-k8s.io": ("kubeadmcontrolplanes",),
    "bootstrap.cluster.x-k8s.io": ("kubeadmconfigs", "kubeadmconfigtemplates"),
    "infrastructure.cluster.x-k8s.io": (
        *("openstackclusters", "openstackmachines", "openstackmachinetemplates", "openstackservers"),
    ),
}


def workload_survey() -> tuple[Manifest, ...]:
    """What the Kubernetes reader lists and gets; three ConfigMaps by name, no Secret."""
    lists = [_rule(group, kinds, ("list",)) for group, kinds in _LISTED.items()]
    system = [
        _rule("", ("configmaps",), ("get",), names=_KUBE_SYSTEM_CONFIGS),
        _rule("rbac.authorization.k8s.io", ("rolebindings",), ("list",)),
    ]
    public = [
        _rule("", ("configmaps",), ("get",), names=("cluster-info",)),
        _rule("rbac.authorization.k8s.io", ("rolebindings",), ("list",)),
    ]
    return (
        *_granted("replank-survey", "", lists),
        *_granted("replank-survey", "kube-system", system),
        *_granted("replank-survey", "kube-public", public),
    )


def workload_runtime() -> tuple[Manifest, ...]:
    """What `survey --runtime` reads on top: whole jobs, log agents one by one, ConfigMaps of log agents, and
    with PrometheusRules those that hold rule files or dashboards. RBAC cannot tie `list` to a label or to
    what a ConfigMap holds."""
    rules = [
        *_log_agents(("get", "list")),
        _rule("monitoring.coreos.com", ("prometheusrules",), ("list",)),
    ]
    return _granted("replank-survey-runtime", "", rules)


def workload_remedy() -> tuple[Manifest, ...]:
    """What `remedy` reads of log agents, as the survey does, and the ConfigMaps that it changes."""
    return _granted("replank-remedy", "", _log_agents(("get", "patch")))


def _log_agents(config_maps: Sequence[str]) -> list[dict[str, JSON]]:
    return [
        _rule("", ("pods",), ("get", "list")),
        _rule("", ("configmaps",), config_maps),
        _rule("apps", ("daemonsets", "deployments", "replicasets", "statefulsets"), ("get", "list")),
        _rule("batch", ("jobs",), ("get", "list")),
        _rule("batch", ("cronjobs",), ("list",)),
    ]


def workload_swap() -> tuple[Manifest, ...]:
    """Nodes and pods are looked at; for a drain, nodes are cordoned and pods evicted as budgets allow; for
    measuring, pods are started in a namespace that is there for it."""
    rules = [
        _rule("", ("nodes",), ("get", "list", "patch")),
        _rule("", ("pods",), ("list",)),
        _rule("", ("pods/eviction",), ("create",)),
        _rule("policy", ("poddisruptionbudgets",), ("list",)),
        _rule("", ("namespaces",), ("get",), names=(MEASURED_IN,)),
    ]
    measuring = [
        _rule("", ("pods",), ("create", "delete")),
        _rule("", ("pods/log",), ("get",)),
        _rule("", ("events",), ("list",)),
    ]
    return (
        *_granted("replank-swap", "", rules),
        *_granted("replank-swap", "kube-system", _lease()),
        *_granted("replank-swap", MEASURED_IN, measuring),
    )


def workload_node_pods() -> tuple[Manifest, ...]:
    """The pods by which nodes without SSH are reached, in a namespace of their own.

    Commands in them are asked for by GET; Kubernetes 1.35 and newer want `create` as well (feature gate
    AuthorizePodWebsocketUpgradeCreatePermission). RBAC cannot tie `create` to a name.
    """
    everywhere = [
        _rule("", ("namespaces",), ("create",)),
        _rule("", ("namespaces",), ("get", "delete"), names=(NODE_PODS_IN,)),
    ]
    inside = [
        _rule("", ("pods",), ("get", "list", "create", "delete")),
        _rule("", ("pods/exec",), ("get", "create")),
        _rule("", ("serviceaccounts",), ("get",), names=("default",)),
    ]
    return (
        *_granted("replank-node-pods", "", everywhere),
        *_granted("replank-node-pods", NODE_PODS_IN, inside),
    )


def management_swap(namespace: str) -> tuple[Manifest, ...]:
    """What a swap looks at and changes of a cluster that Cluster API has. No Secret. A new template is made
    and, by undo, removed; RBAC cannot tie `create` to a name."""
    inside = [
        _rule("cluster.x-k8s.io", ("machines",), ("list",)),
        _rule("cluster.x-k8s.io", ("machinedeployments", "machinesets"), ("get", "list", "patch")),
        _rule("controlplane.cluster.x-k8s.io", ("kubeadmcontrolplanes",), ("get", "list", "patch")),
        _rule("bootstrap.cluster.x-k8s.io", ("kubeadmconfigs",), ("get", "list", "patch")),
        _rule("bootstrap.cluster.x-k8s.io", ("kubeadmconfigtemplates",), ("get", "patch")),
        _rule("infrastructure.cluster.x-k8s.io", ("openstackmachines",), ("get", "list", "patch")),
        _rule("infrastructure.cluster.x-k8s.io", ("openstackmachinetemplates",), _TEMPLATES),
    ]
    return _granted("replank-swap-management", namespace, inside)


_TEMPLATES: Final = ("get", "create", "delete")


def workload_apply() -> tuple[Manifest, ...]:
    """providerIDs that are empty are filled; undo takes Cluster API's annotations off the Nodes."""
    return (
        *_granted("replank-apply", "", [_rule("", ("nodes",), ("get", "list", "watch", "patch"))]),
        *_granted("replank-apply", "kube-system", _lease()),
    )


def _lease() -> list[dict[str, JSON]]:
    """`kube-system/replank` keeps two runs off one cluster; RBAC cannot tie `create` to a name."""
    lease = ("coordination.k8s.io", ("leases",))
    return [
        _rule(*lease, ("create",)),
        _rule(*lease, ("get", "patch", "delete"), names=("replank",)),
    ]


_CAPI_GROUPS: Final = (
    *_CAPI_KINDS,
    *(f"{name}.cluster.x-k8s.io" for name in ("addons", "ipam", "runtime")),
    "openstack.k-orc.cloud",
)


def management_survey(namespace: str) -> tuple[Manifest, ...]:
    """Providers everywhere; in `namespace`, what could be in the way."""
    everywhere = [
        _rule("apiextensions.k8s.io", ("customresourcedefinitions",), ("get", "list")),
        _rule("clusterctl.cluster.x-k8s.io", ("providers",), ("list",)),
        _rule("apps", ("deployments",), ("list",)),
    ]
    inside = [_rule(group, ("*",), ("list",)) for group in _CAPI_GROUPS]
    inside.append(_rule("", ("secrets",), ("list",)))
    return (
        *_granted("replank-survey-management", "", everywhere),
        *_granted("replank-survey-management", namespace, inside),
    )


def workload_verify() -> tuple[Manifest, ...]:
    """Nodes, and nothing else."""
    return _granted("replank-verify", "", [_rule("", ("nodes",), ("list",))])


def management_verify(namespace: str) -> tuple[Manifest, ...]:
    """The cluster's objects in `namespace`; which Cluster API runs, and whether the operator does. No
    Secret."""
    everywhere = [
        _rule("clusterctl.cluster.x-k8s.io", ("providers",), ("list",)),
        _rule("apps", ("deployments",), ("list",)),
        _rule("coordination.k8s.io", ("leases",), ("list",)),
    ]
    inside = [_rule(group, kinds, ("list",)) for group, kinds in _CAPI_KINDS.items()]
    return (
        *_granted("replank-verify-management", "", everywhere),
        *_granted("replank-verify-management", namespace, inside),
    )


def management_apply(namespace: str) -> tuple[Manifest, ...]:
    """The objects and Secrets of a takeover, in `namespace` alone, which is made where it is not there."""
    inside = [_rule(group, kinds, _WRITE) for group, kinds in _CAPI_KINDS.items()]
    inside.append(_rule("", ("secrets",), ("get", "list", "create", "patch", "update", "delete")))
    namespaces = [
        _rule("", ("namespaces",), ("create",)),
        _rule("", ("namespaces",), ("get", "patch", "delete"), names=(namespace,)),
        # Where fleet.yaml names one for CAPO. It holds no secret, only a reference.
        _rule("infrastructure.cluster.x-k8s.io", ("openstackclusteridentities",), ("get",)),
    ]
    return (
        *_granted("replank-apply-management", "", namespaces),
        *_granted("replank-apply-management", namespace, inside),
    )


def _rule(
    group: str, kinds: Sequence[str], verbs: Sequence[str], *, names: Sequence[str] = ()
) -> dict[str, JSON]:
    rule: dict[str, JSON] = {"apiGroups": [group], "resources": [*kinds], "verbs": [*verbs]}
    if names:
        rule["resourceNames"] = [*names]
    return rule


def _granted(name: str, namespace: str, rules: Sequence[Mapping[str, JSON]]) -> tuple[Manifest, ...]:
    """A Role and its binding to the group `name`; for the whole cluster if `namespace` is ""."""
    kind = "Role" if namespace else "ClusterRole"
    metadata: dict[str, JSON] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    api = "rbac.authorization.k8s.io"
    role: Manifest = {
        "apiVersion": f"{api}/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": [dict(rule) for rule in rules],
    }
    binding: Manifest = {
        "apiVersion": f"{api}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": api, "kind": kind, "name": name},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": name}],
    }
    return (role, binding)
