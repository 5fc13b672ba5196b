"""Workers and kubelets: their state now, and what a machine made later would lack."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from replank.audit.finding import AuditSettings
from replank.domain.roles import Role
from replank.domain.severity import Severity
from replank.domain.unknown import Unknown
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.checks.look import (
    control_planes,
    hosts,
    kubernetes,
    machines,
    nodes,
    of_host,
    seen_hosts,
)
from replank.migrations.takeover.checks.rule import Sighting, rule, seen, some, unseen

KUBEADM_DROP_INS = frozenset({"10-kubeadm.conf", "0-containerd.conf"})
# Programs that drain, reboot or delete Nodes by themselves; by the names of their workloads.
NODE_MENDERS = (
    "draino",
    "kured",
    "machine-deletion-remediation",
    "node-healthcheck",
    "node-maintenance-operator",
    "self-node-remediation",
    "sbd-remediation",
    "fence-agents-remediation",
    "descheduler",
    "kubereboot",
)
UNITS_OF_AN_IMAGE = frozenset(
    {"kubelet.service", "kubelet.service.d/10-kubeadm.conf", "containerd.service", "crio.service"}
)
"""Every image for Kubernetes has these as well. Whether there is such an image is RP303's question."""

GITOPS = ("kustomize-controller", "helm-controller", "argocd-application-controller", "flux-operator")


@rule(
    "RP301",
    Severity.RISK,
    consequence="It is adopted, but a health check made later deletes it, and a rollout may wait for its "
    "pods for ever.",
    remedy="Mend the Node, or remove the machine before the takeover.",
)
def worker_is_not_ready(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The Node of a worker is not Ready."""
    for _machine, node in nodes(snapshot, Role.WORKER):
        if not node.ready:
            yield seen(f"Node {node.name}", "its condition Ready is not True")


@rule(
    "RP302",
    Severity.NOTE,
    consequence="Cluster API leaves the cordon alone: the Node stays unschedulable until somebody lifts it.",
    remedy="Uncordon it, or remove the machine, if the cordon was forgotten.",
)
def node_is_cordoned(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A Node that is unschedulable."""
    for _machine, node in nodes(snapshot):
        if node.unschedulable:
            yield seen(f"Node {node.name}", "spec.unschedulable is true")


@rule(
    "RP303",
    Severity.RISK,
    consequence="A new machine from the same image has no kubelet and never joins: every rollout stops at "
    "its first machine.",
    remedy="Build an image that holds kubelet, kubeadm and runtime, and name it in fleet.yaml "
    "(`new_machines.image`, `new_control_planes.image`).",
)
def machines_were_finished_after_boot(snapshot: Snapshot, settings: AuditSettings) -> Iterator[Sighting]:
    """Ansible or the like set Kubernetes up after boot. Quiet where fleet.yaml names new images."""
    found, blind = seen_hosts(snapshot, lambda facts: facts.cloud_init_kubernetes)
    late = [machine.name for machine, by_image in found if not by_image]
    new_images = {
        "control planes": settings.new_control_plane_image,
        "workers": settings.new_image,
    }
    for kind, image in new_images.items():
        if image:
            continue
        if late:
            names = ", ".join(some(late))
            yield seen(f"image of {kind}", f"neither image nor user data brought Kubernetes to {names}")
        elif blind:
            yield unseen(f"image of {kind}", *(fact for _, fact in blind))


@rule(
    "RP304",
    Severity.NOTE,
    consequence="Machines made by Cluster API come without these cron entries and units.",
    remedy="Bring those that matter (backups, certificate renewal, hardening) into the image or a DaemonSet.",
)
def host_has_leftovers(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Cron entries and own units on a control plane."""
    for machine, leftovers in hosts(snapshot, lambda facts: facts.leftovers):
        if isinstance(leftovers, Unknown):
            yield unseen(f"host {machine.name}", leftovers)
            continue
        own = [f"{item.kind} {item.path}" for item in leftovers if item.name not in UNITS_OF_AN_IMAGE]
        if own:
            yield seen(f"host {machine.name}", *some(own))


@rule(
    "RP305",
    Severity.NOTE,
    consequence="What these drop-ins set is not in kubeadm's configuration: new machines come without it.",
    remedy="Move it to kubeletExtraArgs, a kubelet configuration patch or the image.",
)
def kubelet_has_own_drop_ins(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Drop-ins of the kubelet's unit besides kubeadm's."""
    for machine, kubelet in hosts(snapshot, lambda facts: facts.kubelet):
        if isinstance(kubelet, Unknown):
            yield unseen(f"kubelet of {machine.name}", kubelet)
            continue
        own = [path for path in kubelet.unit_drop_ins if PurePosixPath(path).name not in KUBEADM_DROP_INS]
        if own:
            yield seen(f"kubelet of {machine.name}", *some(own))


@rule(
    "RP306",
    Severity.RISK,
    consequence="The machine reaches the API through a proxy of its own (Kubespray's nginx or haproxy). A "
    "machine made by Cluster API uses the endpoint itself, which must then be able to carry all of them.",
    remedy="Check that the endpoint is highly available and reachable from every worker's network.",
)
def kubelet_uses_a_local_proxy(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """The kubelet's kubeconfig points at localhost. Workers too, as far as they were read (`--workers`)."""
    workers = [m for m in machines(snapshot, Role.WORKER) if any(h.server == m.name for h in snapshot.hosts)]
    for machine in (*control_planes(snapshot), *workers):
        kubelet = of_host(snapshot, machine, lambda facts: facts.kubelet)
        if isinstance(kubelet, Unknown):
            yield unseen(f"kubelet of {machine.name}", kubelet)
        elif _is_local(kubelet.kubeconfig_server):
            yield seen(f"kubelet of {machine.name}", f"kubeconfig server {kubelet.kubeconfig_server}")


def _is_local(server: str) -> bool:
    try:
        host = urlsplit(server).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@rule(
    "RP310",
    Severity.RISK,
    consequence="Two programs would decide how many machines there are. It may remove or add servers in "
    "the middle of the takeover, and fights with replicas afterwards.",
    remedy="Stop it before the takeover; afterwards run it with the Cluster API provider and bounds that "
    "enclose the real count.",
)
def autoscaler_is_running(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A cluster autoscaler in the cluster."""
    for addon in kubernetes(snapshot, lambda facts: facts.addons):
        if addon.kind == "autoscaler":
            yield seen(f"{addon.workload} in {addon.namespace}", *some(f"image {i}" for i in addon.images))


@rule(
    "RP311",
    Severity.RISK,
    consequence="It drains, reboots or deletes Nodes by its own rules while Cluster API does the same by "
    "others.",
    remedy="Stop it for the time of the takeover, and afterwards leave repair to a MachineHealthCheck.",
)
def node_mender_is_running(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """A program that drains, reboots or remedies Nodes."""
    for workload in kubernetes(snapshot, lambda facts: facts.workloads):
        if any(word in workload.name for word in NODE_MENDERS) and workload.replicas:
            yield seen(
                f"{workload.kind} {workload.namespace}/{workload.name}", f"{workload.replicas} replicas"
            )


@rule(
    "RP312",
    Severity.RISK,
    consequence="A new Node has the providerID that the plan's kubelet flag gives it, but nothing "
    "initializes it: with --cloud-provider=external it keeps a taint that few pods tolerate.",
    remedy="Install the OpenStack cloud controller manager, or make sure that what initializes Nodes today "
    "does so with new ones.",
)
def cloud_provider_is_absent(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """No OpenStack cloud controller manager in the cluster."""
    addons = kubernetes(snapshot, lambda facts: facts.addons)
    if all(addon.kind != "cloud-provider" for addon in addons):
        yield seen("cloud provider", "no OpenStack cloud controller manager was found")


@rule(
    "RP516",
    Severity.NOTE,
    consequence="It writes back what it finds changed: labels, CoreDNS, kube-proxy or workloads in the "
    "middle of a step.",
    remedy="Suspend it for the time of the takeover (`flux suspend`, Argo CD without automated sync).",
)
def gitops_is_running(snapshot: Snapshot, _: AuditSettings) -> Iterator[Sighting]:
    """Flux or Argo CD in the cluster."""
    for workload in kubernetes(snapshot, lambda facts: facts.workloads):
        if any(word in workload.name for word in GITOPS) and workload.replicas:
            yield seen(
                f"{workload.kind} {workload.namespace}/{workload.name}", f"{workload.replicas} replicas"
            )
