"""All of a workload cluster's facts, each listing on its own."""

from __future__ import annotations

import asyncio
from typing import Any

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.hosts import CertificateFile
from replank.inventory.facts.kubernetes import (
    KubernetesFacts,
    PersistentVolumeFact,
    PodFact,
    ServingCertificate,
    Webhook,
)
from replank.transports.kubernetes import resources
from replank.transports.kubernetes.addons import addon_facts
from replank.transports.kubernetes.documents import (
    read_cluster_info,
    read_kubeadm_config,
    read_kubelet_config,
)
from replank.transports.kubernetes.joining import read_join_prerequisites
from replank.transports.kubernetes.nodes import node_facts
from replank.transports.kubernetes.pods import control_plane_pods, etcd_pods, owners_of, pod_facts
from replank.transports.kubernetes.resources import Metadata, Pod, metadata_of
from replank.transports.kubernetes.seeing import gathered, mapped, read_version, seen, unseen
from replank.transports.kubernetes.session import ApiSession
from replank.transports.kubernetes.storage import volume_facts
from replank.transports.kubernetes.webhooks import webhook_facts
from replank.transports.kubernetes.workloads import budget_facts, load_balancer_facts, workload_facts

_CONTROLLERS: dict[str, type[resources.Controller]] = {
    "Deployment": resources.Deployment,
    "StatefulSet": resources.StatefulSet,
    "DaemonSet": resources.DaemonSet,
    "ReplicaSet": resources.ReplicaSet,
}


async def read_facts(api: ApiSession) -> KubernetesFacts:
    """All facts of the cluster behind `api`. Raises `ReplankError` if nothing at all could be seen."""
    first = await read_version(api)
    version = unseen(first) if isinstance(first, ReplankError) else first
    async with asyncio.TaskGroup() as group:
        run = group.create_task
        nodes = run(seen(api.objects(resources.Node)))
        pods = run(seen(api.objects(Pod)))
        jobs = run(seen(api.metadata(metadata_of("batch", "v1", "Job", "jobs", True))))
        controllers = {kind: run(seen(api.objects(resource))) for kind, resource in _CONTROLLERS.items()}
        budgets = run(seen(api.objects(resources.PodDisruptionBudget)))
        services = run(seen(api.objects(resources.Service)))
        volumes = run(seen(_volumes(api)))
        webhooks = run(seen(_webhooks(api)))
        join = run(read_join_prerequisites(api))
        kubeadm = run(seen(read_kubeadm_config(api)))
        kubelet = run(seen(read_kubelet_config(api, version)))
        cluster_info = run(seen(read_cluster_info(api)))
    found = {kind: task.result() for kind, task in controllers.items()}
    alike = gathered(found)
    facts = KubernetesFacts(
        version=version,
        kubeconfig=api.connection.fact,
        serving_certificate=_serving_certificate(api),
        nodes=mapped(nodes.result(), node_facts),
        kubeadm_config=kubeadm.result(),
        kubelet_config=mapped(kubelet.result(), lambda result: result[1]),
        kubelet_config_name=mapped(kubelet.result(), lambda result: result[0]),
        cluster_info=cluster_info.result(),
        addons=mapped(alike, addon_facts),
        etcd_pods=mapped(pods.result(), etcd_pods),
        control_plane_pods=mapped(pods.result(), control_plane_pods),
        pods=_pods(pods.result(), found["ReplicaSet"], jobs.result()),
        workloads=mapped(alike, workload_facts),
        disruption_budgets=mapped(budgets.result(), budget_facts),
        persistent_volumes=volumes.result(),
        load_balancer_services=mapped(services.result(), load_balancer_facts),
        webhooks=webhooks.result(),
        join=join.result(),
    )
    if isinstance(first, ReplankError) and _blind(facts):
        # A snapshot full of unknowns says less than one error, which also says what to do.
        raise first
    return facts


def _pods(
    pods: list[Pod] | Unknown, replica_sets: list[Any] | Unknown, jobs: list[Metadata] | Unknown
) -> Fact[tuple[PodFact, ...]]:
    """Where ReplicaSets or Jobs could not be listed, they stand as owners themselves: true as well."""
    owners: dict[tuple[str, str, str], str] = {}
    if not isinstance(replica_sets, Unknown):
        owners |= owners_of("ReplicaSet", (item.metadata for item in replica_sets))
    if not isinstance(jobs, Unknown):
        owners |= owners_of("Job", jobs)
    return mapped(pods, lambda found: pod_facts(found, owners))


async def _volumes(api: ApiSession) -> tuple[PersistentVolumeFact, ...]:
    """Both or nothing: a volume whose attachments nobody saw would look detached."""
    volumes = await api.objects(resources.PersistentVolume)
    return volume_facts(volumes, await api.objects(resources.VolumeAttachment))


async def _webhooks(api: ApiSession) -> tuple[Webhook, ...]:
    validating = await api.objects(resources.ValidatingWebhooks)
    return webhook_facts(validating, await api.objects(resources.MutatingWebhooks))


def _serving_certificate(api: ApiSession) -> Fact[ServingCertificate]:
    try:
        certificate = api.certificate()
    except ReplankError as error:
        return Unknown(error.reason, code=error.code)
    if certificate is None:
        return Unknown("The API server presented no certificate", code="RP054")
    return _as_served(certificate)


def _as_served(certificate: CertificateFile) -> ServingCertificate:
    return ServingCertificate(
        subject=certificate.subject,
        issuer=certificate.issuer,
        not_after=certificate.not_after,
        dns_names=certificate.dns_names,
        ip_addresses=certificate.ip_addresses,
    )


def _blind(facts: KubernetesFacts) -> bool:
    parts = (facts.nodes, facts.kubeadm_config, facts.pods, facts.workloads, facts.webhooks)
    return all(isinstance(fact, Unknown) for fact in parts)
