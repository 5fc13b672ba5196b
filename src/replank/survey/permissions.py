"""The smallest rights that replank needs: Kubernetes RBAC, OpenStack roles, sudo commands. Pure data.

`survey` only reads, and so does `runtime`, which `survey --runtime` needs on top of it. `apply` is what
carrying out a takeover needs on top of `survey`; `swap` is what a runtime swap needs on top of `runtime`.
`verify` reads as well, and needs none of them. `remedy` stands alone, too: it writes log agents' ConfigMaps.
`node-pods` is what `runtime` and `swap` need in place of sudo where nodes are reached without SSH.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from replank.survey.kubernetes_rights import (
    Manifest,
    management_apply,
    management_survey,
    management_swap,
    management_verify,
    workload_apply,
    workload_node_pods,
    workload_remedy,
    workload_runtime,
    workload_survey,
    workload_swap,
    workload_verify,
)
from replank.survey.openstack_rights import APPLY_CALLS, SURVEY_CALLS, OpenStackPermission
from replank.survey.sudoers import sudoers_apply, sudoers_runtime, sudoers_survey, sudoers_swap

Purpose = Literal["survey", "runtime", "apply", "swap", "verify", "remedy", "node-pods"]


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
            workload=workload_survey(),
            management=management_survey(namespace),
            openstack=SURVEY_CALLS,
            sudoers=sudoers_survey(ssh_user),
            notes=_SURVEY_NOTES,
        )
    if purpose == "runtime":
        return Permissions(
            purpose=purpose,
            workload=workload_runtime(),
            management=(),
            openstack=(),
            sudoers=sudoers_runtime(ssh_user),
            notes=_RUNTIME_NOTES,
        )
    if purpose == "swap":
        return Permissions(
            purpose=purpose,
            workload=workload_swap(),
            management=management_swap(namespace),
            openstack=(),
            sudoers=sudoers_swap(ssh_user),
            notes=_SWAP_NOTES,
        )
    if purpose == "verify":
        return Permissions(
            purpose=purpose,
            workload=workload_verify(),
            management=management_verify(namespace),
            openstack=SURVEY_CALLS,
            sudoers=(),
            notes=_VERIFY_NOTES,
        )
    if purpose == "remedy":
        return Permissions(
            purpose=purpose,
            workload=workload_remedy(),
            management=(),
            openstack=(),
            sudoers=(),
            notes=_REMEDY_NOTES,
        )
    if purpose == "node-pods":
        return Permissions(
            purpose=purpose,
            workload=workload_node_pods(),
            management=(),
            openstack=(),
            sudoers=(),
            notes=_NODE_PODS_NOTES,
        )
    return Permissions(
        purpose=purpose,
        workload=workload_apply(),
        management=management_apply(namespace),
        openstack=APPLY_CALLS,
        sudoers=sudoers_apply(ssh_user),
        notes=_APPLY_NOTES,
    )


_SURVEY_NOTES: Final = (
    "Every command only reads. Lines name whole command lines and no wildcards: in sudoers(5) a wildcard in "
    "an argument also matches spaces, so that `cat /etc/kubernetes/pki/*.crt` would allow to read any file.",
    "Kubespray names etcd's certificates after machines (/etc/ssl/etcd/ssl/node-NAME.pem): add a line of "
    "`certificate` for each, and of `etcd-members` and `etcd-status` for the endpoints of external etcd.",
    "Paths are those of systems where /bin is /usr/bin; `command -v` tells others.",
    "replank lists Secrets of the target namespace by metadata alone, to see whether one is in the way, but "
    "Kubernetes' RBAC cannot grant less than `list`. Without that rule only this fact stays unknown.",
    "Clusters before Kubernetes 1.25 name the kubelet's ConfigMap kubelet-config-1.NN: add that name.",
)
_APPLY_NOTES: Final = (
    "What survey needs is needed too.",
    "Kubespray: also a line of `etcd-snapshot` for each control plane, with the certificates that its API "
    "server uses. The snapshot is encrypted where replank runs; no file of it is left on the machine.",
    "A Role lies in its namespace, so with exactly these rights the namespace is there before, and undo "
    "leaves it. A namespace that a takeover made is deleted by undo only if it is empty, and to see that it "
    "lists every kind in it: no rule here grants that. What may not be listed counts as being there; then "
    "the namespace stays, and the log of the run says why.",
    "Secrets are written and compared in the target namespace only. Private keys pass through the machine "
    "that runs replank and are not kept there.",
)
_RUNTIME_NOTES: Final = (
    "What survey needs is needed too, and every command and call here only reads.",
    "Configuration files of Docker and containerd may hold logins. They are read and dropped; of Docker's "
    "login files the names of registries alone leave the node.",
    "ConfigMaps: those that log agents mount are read by name. Where `get` on all of them is too much, "
    "leave that rule out and grant it by Roles in the agents' namespaces; an agent whose ConfigMap may not "
    "be read counts as unknown. No Secret is read.",
    "ConfigMaps are also listed, for rule files of Prometheus and dashboards that depend on Docker; what "
    "they hold is looked through and dropped. Without `list` on configmaps and prometheusrules only this "
    "stays unknown (RP488), which matters where a node has Docker.",
    "Lines name the usual paths and sockets. Add lines for others: imports of config.toml, hosts.toml files, "
    "CNI configurations, and `grep -z ^PATH= /proc/PID/environ` with `sha256sum` of the shim, whose process "
    "number nobody knows beforehand.",
    "sudo that may run everything makes all of this simpler; replank runs nothing that is not on its list.",
)
_SWAP_NOTES: Final = (
    "What survey and runtime need is needed too: the cluster is looked at once more before the first write.",
    "Who may put swap_node.py there and run it with sudo is root on the node, whatever these lines name. "
    "They say what replank runs, and keep mistakes out; they are no fence against its user.",
    "Lines name containerd 2.3.5: change the folder below /opt/replank to the version of the bundle.",
    "Plans made with --package: no program is sent, so leave the lines for /opt/replank out. swap_node.py, "
    "which is root, runs `apt-get download` and `dpkg-deb -x` by itself; nothing is installed.",
    "With --no-drain no Node is changed and no pod evicted: then leave `patch` on nodes, pods/eviction and "
    "poddisruptionbudgets out.",
    "etcd's snapshot is for control planes alone; it is encrypted where replank runs.",
    "Plans made with --measure start pods in the namespace replank-measure: make it before. (Who may make "
    "namespaces and pods anywhere need not: each measurement makes and removes it.) Without --measure leave "
    "it out, and the Role in it; pods/log is for --measure-logs.",
    "The management cluster is touched only where Cluster API has the cluster; without such a plan leave "
    "that Role out. Without --image no template is made: then leave `create` and `delete` out.",
)
_VERIFY_NOTES: Final = (
    "Every call only reads, no Secret among them, and no machine is reached over SSH.",
    "The Lease replank-operator is looked for in every namespace. Where no Machine carries replank's hooks, "
    "that rule can be left out.",
)
_REMEDY_NOTES: Final = (
    "Without --apply and --undo nothing is written: then leave `patch` out.",
    "ConfigMaps: only those that log agents mount are read, and only those that were shown are written. "
    "Where `get` and `patch` on all of them are too much, leave that rule out and grant it by Roles in the "
    "agents' namespaces. No Secret is read or written, and no workload is restarted.",
)
_NODE_PODS_NOTES: Final = (
    "What runtime and swap need is needed too, but for the sudo lines: in place of SSH, for clusters whose "
    "fleet.yaml says `node_pod`.",
    "Who may make privileged pods and run commands in them is root on every node. Bind this for as long as "
    "the work lasts, and to nobody else.",
    "A Role lies in its namespace: with exactly these rights make the namespace replank-nodes before, with "
    "the label pod-security.kubernetes.io/enforce=privileged. Then `create` and `delete` on namespaces can "
    "be left out: replank removes only a namespace that it made.",
    "Policies of other admission controllers that forbid privileged pods need an exception for that "
    "namespace.",
)
