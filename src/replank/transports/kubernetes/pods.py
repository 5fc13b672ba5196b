"""Pods, and among them the mirror pods of the control plane, as facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from replank.inventory.facts.kubernetes import EtcdPod, PodFact, StaticPodStatus
from replank.inventory.node_pods import is_node_pod
from replank.transports.kubernetes.nodes import is_true
from replank.transports.kubernetes.resources import Metadata, Pod

COMPONENTS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
_ETCD: Final = "etcd"
# kubelet's mark of a pod that comes from a file (kubernetes, pkg/kubelet/types/constants.go).
_MIRROR: Final = "kubernetes.io/config.mirror"
_SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"

Owners = Mapping[tuple[str, str, str], str]
"""(kind, namespace, name) of a controller -> `Kind/name` of the controller above it."""


def owners_of(kind: str, objects: Iterable[Metadata]) -> dict[tuple[str, str, str], str]:
    """What stands above each ReplicaSet or Job."""
    return {
        (kind, about.namespace, about.name): f"{owner.kind}/{owner.name}"
        for about in objects
        if (owner := about.controller) is not None
    }


def pod_facts(pods: Iterable[Pod], owners: Owners) -> tuple[PodFact, ...]:
    """Sorted by namespace and name. Where `owners` lacks a controller, the pod's own controller stands. Pods
    by which replank reaches nodes are left out: they are gone when the survey has ended."""
    workload = (pod for pod in pods if not is_node_pod(pod.metadata.namespace, pod.metadata.labels))
    facts = (_fact(pod, owners) for pod in workload)
    return tuple(sorted(facts, key=lambda fact: (fact.namespace, fact.name)))


def control_plane_pods(pods: Iterable[Pod]) -> tuple[StaticPodStatus, ...]:
    """Mirror pods of API server, controller manager and scheduler, by component and Node."""
    found = [
        StaticPodStatus(
            component=component,
            pod=pod.metadata.name,
            node=pod.spec.node_name,
            labels_ok=_labels_ok(pod, component),
            ready=is_true(pod.status.conditions, "Ready"),
            image=pod.spec.containers[0].image if pod.spec.containers else "",
        )
        for pod in pods
        if (component := _component(pod)) in COMPONENTS
    ]
    return tuple(sorted(found, key=lambda fact: (fact.component, fact.node, fact.pod)))


def etcd_pods(pods: Iterable[Pod]) -> tuple[EtcdPod, ...]:
    """Mirror pods of etcd, by name."""
    found = [
        EtcdPod(
            pod=pod.metadata.name,
            node=pod.spec.node_name,
            labels_ok=_labels_ok(pod, _ETCD),
            ready=is_true(pod.status.conditions, "Ready"),
        )
        for pod in pods
        if _component(pod) == _ETCD
    ]
    return tuple(sorted(found, key=lambda fact: fact.pod))


def _component(pod: Pod) -> str:
    """By the name that the kubelet gives, `<component>-<Node>`: labels may be what is wrong."""
    if pod.metadata.namespace != "kube-system" or _MIRROR not in (pod.metadata.annotations or {}):
        return ""
    return pod.metadata.name.removesuffix(f"-{pod.spec.node_name}")


def _labels_ok(pod: Pod, component: str) -> bool:
    """As kubeadm writes them, and as Cluster API's control plane looks for them."""
    labels = pod.metadata.labels or {}
    return labels.get("tier") == "control-plane" and labels.get("component") == component


def _fact(pod: Pod, owners: Owners) -> PodFact:
    volumes = pod.spec.volumes or []
    claims = [v.persistent_volume_claim.claim_name for v in volumes if v.persistent_volume_claim]
    # A generic ephemeral volume makes a claim of its own (core/v1 EphemeralVolumeSource).
    claims += [f"{pod.metadata.name}-{v.name}" for v in volumes if v.ephemeral]
    local = any(v.host_path or (v.empty_dir and v.empty_dir.medium != "Memory") for v in volumes)
    return PodFact(
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        node=pod.spec.node_name,
        owner=_owner(pod, owners),
        phase=pod.status.phase,
        ready=is_true(pod.status.conditions, "Ready"),
        labels=dict(sorted((pod.metadata.labels or {}).items())),
        local_storage=local,
        host_network=pod.spec.host_network,
        volume_claims=tuple(sorted(claims)),
        safe_to_evict=_safe_to_evict(pod),
    )


def _safe_to_evict(pod: Pod) -> str:
    """Only the two values that the autoscaler knows are kept."""
    value = (pod.metadata.annotations or {}).get(_SAFE_TO_EVICT, "")
    return value if value in ("true", "false") else ""


def _owner(pod: Pod, owners: Owners) -> str:
    controller = pod.metadata.controller
    if controller is None:
        return ""
    key = (controller.kind, pod.metadata.namespace, controller.name)
    return owners.get(key, f"{controller.kind}/{controller.name}")
