"""The smallest rights that replank needs: Kubernetes RBAC, OpenStack roles, sudo commands. Pure data.

`survey` only reads. `apply` is what carrying out a takeover needs on top of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON
from replank.inventory.hosts.command import Call
from replank.inventory.hosts.commands import SURVEY_COMMANDS

Purpose = Literal["survey", "apply"]
Manifest = dict[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStackPermission:
    """Calls to one OpenStack service. `role`: the role that allows them by the services' default policies."""

    service: str
    role: str
    calls: tuple[str, ...]
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What one purpose needs.

    `workload`, `management`: RBAC manifests for the workload cluster and for the management cluster.
    `sudoers`: lines of a file under /etc/sudoers.d, comments among them. `notes`: what the lists cannot say.
    """

    purpose: Purpose
    workload: tuple[Manifest, ...]
    management: tuple[Manifest, ...]
    openstack: tuple[OpenStackPermission, ...]
    sudoers: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def rbac(self) -> tuple[Manifest, ...]:
        """All RBAC manifests, the workload cluster's first."""
        return (*self.workload, *self.management)


def permissions(purpose: Purpose, *, ssh_user: str = "replank", namespace: str = "default") -> Permissions:
    """The rights for `purpose`.

    `ssh_user`: for sudoers. `namespace`: the target namespace in the management cluster.
    """
    if purpose == "survey":
        return Permissions(
            purpose=purpose,
            workload=_workload_survey(),
            management=_management_survey(namespace),
            openstack=_OPENSTACK_SURVEY,
            sudoers=_sudoers_survey(ssh_user),
            notes=_SURVEY_NOTES,
        )
    return Permissions(
        purpose=purpose,
        workload=_workload_apply(),
        management=_management_apply(namespace),
        openstack=_OPENSTACK_APPLY,
        sudoers=_sudoers_apply(ssh_user),
        notes=_APPLY_NOTES,
    )


_LISTED: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("nodes", "pods", "services", "persistentvolumes"),
    "apps": ("daemonsets", "deployments", "replicasets", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
    "policy": ("poddisruptionbudgets",),
    "storage.k8s.io": ("volumeattachments",),
    "admissionregistration.k8s.io": ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"),
    "rbac.authorization.k8s.io": ("clusterrolebindings",),
}
_KUBE_SYSTEM_CONFIGS: Final = ("coredns", "kube-proxy", "kubeadm-config", "kubelet-config")
_READ: Final = ("get", "list")
_WRITE: Final = ("get", "list", "watch", "create", "patch", "update", "delete")
_CAPI_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster.x-k8s.io": ("clusters", "machinedeployments", "machines", "machinesets"),
    "controlplane.cluster.x-k8s.io": ("kubeadmcontrolplanes",),
    "bootstrap.cluster.x-k8s.io": ("kubeadmconfigs", "kubeadmconfigtemplates"),
    "infrastructure.cluster.x-k8s.io": (
        *("openstackclusters", "openstackmachines", "openstackmachinetemplates", "openstackservers"),
    ),
}


def _workload_survey() -> tuple[Manifest, ...]:
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


def _workload_apply() -> tuple[Manifest, ...]:
    """providerIDs that are empty are filled; undo takes Cluster API's annotations off the Nodes."""
    return _granted("replank-apply", "", [_rule("", ("nodes",), ("get", "list", "watch", "patch"))])


def _management_survey(namespace: str) -> tuple[Manifest, ...]:
    everywhere = [
        _rule("apiextensions.k8s.io", ("customresourcedefinitions",), _READ),
        _rule("clusterctl.cluster.x-k8s.io", ("providers",), ("list",)),
        _rule("apps", ("deployments",), ("list",)),
    ]
    inside = [_rule(group, kinds, _READ) for group, kinds in _CAPI_KINDS.items()]
    return (
        *_granted("replank-survey-management", "", everywhere),
        *_granted("replank-survey-management", namespace, inside),
    )


def _management_apply(namespace: str) -> tuple[Manifest, ...]:
    inside = [_rule(group, kinds, _WRITE) for group, kinds in _CAPI_KINDS.items()]
    inside.append(_rule("", ("secrets",), ("get", "create", "patch", "update", "delete")))
    namespaces = [_rule("", ("namespaces",), ("get",), names=(namespace,))]
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


_OPENSTACK_SURVEY: Final = (
    OpenStackPermission(
        service="identity",
        role="reader",
        calls=("POST /v3/auth/tokens",),
        purpose="logging in; the token names project and roles",
    ),
    OpenStackPermission(
        service="compute",
        role="reader",
        calls=(
            *("GET /servers/detail", "GET /flavors/detail", "GET /os-server-groups", "GET /os-keypairs"),
            *("GET /os-availability-zone", "GET /limits"),
        ),
        purpose="servers, flavors, server groups, keypairs, zones, quotas",
    ),
    OpenStackPermission(
        service="network",
        role="reader",
        calls=(
            *("GET /v2.0/ports", "GET /v2.0/networks", "GET /v2.0/subnets", "GET /v2.0/routers"),
            *("GET /v2.0/floatingips", "GET /v2.0/security-groups", "GET /v2.0/trunks"),
            *("GET /v2.0/availability_zones", "GET /v2.0/quotas"),
        ),
        purpose="ports and networks",
    ),
    OpenStackPermission(
        service="load-balancer",
        role="load-balancer_observer",
        calls=(
            *("GET /v2/lbaas/loadbalancers", "GET /v2/lbaas/listeners", "GET /v2/lbaas/pools"),
            *("GET /v2/lbaas/pools/{pool}/members", "GET /v2/lbaas/healthmonitors", "GET /v2/lbaas/quotas"),
        ),
        purpose="load balancers; clouds with Octavia's newer default policies grant this to reader",
    ),
    OpenStackPermission(
        service="image",
        role="reader",
        calls=("GET /v2/images",),
        purpose="images that servers were made from",
    ),
    OpenStackPermission(
        service="block-storage",
        role="reader",
        calls=("GET /volumes/detail", "GET /os-availability-zone", "GET /os-quota-sets/{project}"),
        purpose="volumes, zones, quotas",
    ),
)
_OPENSTACK_APPLY: Final = (
    OpenStackPermission(
        service="identity",
        role="member",
        calls=("POST /v3/users/{user}/application_credentials", "DELETE the same"),
        purpose="one application credential for each cluster: reader until it is settled, then member",
    ),
    OpenStackPermission(
        service="compute",
        role="member",
        calls=("POST /servers/{id}/action (lock, unlock)", "PUT /servers/{id} (only with rename_servers)"),
        purpose="the fence around adopted servers; names that Cluster API could not find otherwise",
    ),
    OpenStackPermission(
        service="network",
        role="member",
        calls=("PUT /v2.0/ports/{id} (name)",),
        purpose="port names, by which CAPO finds them",
    ),
    OpenStackPermission(
        service="load-balancer",
        role="load-balancer_member",
        calls=("PUT name of load balancer, listener, pool, health monitor and members",),
        purpose="only where CAPO is to manage the load balancer",
    ),
)

_PROGRAMS: Final[Mapping[str, str]] = {
    name: f"/usr/bin/{name}"
    for name in ("cat", "curl", "find", "grep", "ls", "sed", "sha256sum", "stat", "true")
}
_SECRET_FILES: Final = (
    *("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.pub", "sa.key"),
    *("etcd/ca.crt", "etcd/ca.key"),
)
# sudoers(5): a backslash takes the meaning from its own characters and from wildcards.
_SPECIAL: Final = re.compile(r"([\\,:=*?!\[\]#])")


def _sudoers_survey(user: str) -> tuple[str, ...]:
    lines: list[str] = []
    for command in SURVEY_COMMANDS:
        if not command.sudo:
            continue
        lines.append(f"# {command.name}: {command.purpose}")
        lines += [_sudoers_line(user, command.call(**values)) for values in command.usual]
        if not command.usual:
            lines.append(f"# one line for each file that a flag points at: {' '.join(command.argv)}")
    return tuple(lines)


def _sudoers_apply(user: str) -> tuple[str, ...]:
    """The CAs and the service accounts' keys become Secrets of the management cluster."""
    calls = [Call("secret", ("cat", f"/etc/kubernetes/pki/{name}"), True) for name in _SECRET_FILES]
    return (
        "# secrets that the plan names, read once from one machine (Kubespray: /etc/kubernetes/ssl)",
        *(_sudoers_line(user, call) for call in calls),
        "# one line for each other file that the plan names: encryption configuration, webhook kubeconfigs",
    )


def _sudoers_line(user: str, call: Call) -> str:
    program, *arguments = call.argv
    words = " ".join(_SPECIAL.sub(r"\\\1", word) for word in arguments)
    # Without arguments sudo would allow any; "" means none.
    return f"{user} ALL=(root) NOPASSWD: {_PROGRAMS[program]} {words or chr(34) * 2}"


_SURVEY_NOTES: Final = (
    "Every command only reads. Lines name whole command lines and no wildcards: in sudoers(5) a wildcard in "
    "an argument also matches spaces, so that `cat /etc/kubernetes/pki/*.crt` would allow to read any file.",
    "Kubespray names etcd's certificates after machines (/etc/ssl/etcd/ssl/node-NAME.pem): add a line of "
    "`certificate` for each, and of `etcd-members` and `etcd-status` for the endpoints of external etcd.",
    "Paths are those of systems where /bin is /usr/bin; `command -v` tells others.",
    "Clusters before Kubernetes 1.25 name the kubelet's ConfigMap kubelet-config-1.NN: add that name.",
)
_APPLY_NOTES: Final = (
    "What survey needs is needed too.",
    "Secrets are written and compared in the target namespace only. Private keys pass through the machine "
    "that runs replank and are not kept there.",
)
