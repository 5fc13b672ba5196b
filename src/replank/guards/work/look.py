"""Looks at a cluster. What cannot be seen becomes `Unknown`; only the management cluster must answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from replank.domain.errors import Refused, ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.guards.names import GUARD_API, GUARD_KIND, PRE_DRAIN, SURGED, WAITING_FOR_PRE_TERMINATE
from replank.guards.policy import DEFAULT, Policy
from replank.guards.read import cloud as read_cloud
from replank.guards.read import machines as read_machines
from replank.guards.read import workload as read_workload
from replank.guards.read.documents import annotations_of, labels_of
from replank.guards.read.drained import Rules, is_evicted
from replank.guards.sight import CloudSight, MachineSight, MemberSight, PodSight, Sight, WorkloadSight
from replank.guards.work.systems import Systems
from replank.ports.access import Document, KubeApi, ObjectRef
from replank.ports.guarding import BalancedCloud

CORE: Final = "cluster.x-k8s.io/v1beta2"
_CONTROL_PLANE: Final = "controlplane.cluster.x-k8s.io/v1beta2"
_CLUSTER_NAME: Final = "cluster.x-k8s.io/cluster-name"
_NOT_SERVED: Final = "RP906"


@dataclass(frozen=True, slots=True)
class Seen:
    """A round's sight and policy, and the documents behind it for whoever writes to them: the Cluster's, and
    the Machines' by name."""

    sight: Sight
    policy: Policy
    cluster: Document
    machines: dict[str, Document]


async def look(systems: Systems, namespace: str, name: str) -> Seen | None:
    """None where there is no such Cluster. Raises what the management cluster's API raises, and `Refused`
    RP729 where the ClusterGuard is not valid."""
    management, began = systems.management, systems.clock.now()
    cluster = await management.get(ObjectRef(CORE, "Cluster", namespace, name))
    if cluster is None:
        return None
    own = {_CLUSTER_NAME: name}
    policy, machines, control_planes, deployments = await asyncio.gather(
        policy_of(management, namespace, name),
        management.list(CORE, "Machine", namespace, own),
        management.list(_CONTROL_PLANE, "KubeadmControlPlane", namespace, own),
        management.list(CORE, "MachineDeployment", namespace, own),
    )
    sights = tuple(map(read_machines.machine, machines))
    workload, cloud_sight = await _behind(systems, cluster, machines, sights, policy)
    spec = cluster["spec"]
    sight = Sight(
        namespace=namespace,
        cluster=name,
        at=began,
        machines=sights,
        deleting="deletionTimestamp" in cluster["metadata"],
        paused=bool(spec.get("paused")) or read_machines.PAUSED in annotations_of(cluster),
        rolling=read_machines.rolling((*control_planes, *deployments)),
        workload=workload,
        cloud=cloud_sight,
    )
    return Seen(sight, policy, cluster, {document["metadata"]["name"]: document for document in machines})


async def policy_of(management: KubeApi, namespace: str, name: str) -> Policy:
    """The ClusterGuard's spec; `DEFAULT` where there is none, or where its kind is not installed."""
    try:
        guard = await management.get(ObjectRef(GUARD_API, GUARD_KIND, namespace, name))
    except Refused as error:
        if error.code != _NOT_SERVED:
            raise
        return DEFAULT
    if guard is None:
        return DEFAULT
    try:
        return Policy.model_validate(guard.get("spec") or {})
    except ValidationError as error:
        first = error.errors()[0]
        raise Refused(
            "RP729",
            f"ClusterGuard {namespace}/{name} is not valid",
            f"spec.{'.'.join(map(str, first['loc']))}: {first['msg']}",
            "Correct it; until then the hooks of its Machines are held.",
        ) from error


async def _behind(
    systems: Systems,
    cluster: Document,
    documents: Sequence[Document],
    machines: Sequence[MachineSight],
    policy: Policy,
) -> tuple[Fact[WorkloadSight], Fact[CloudSight]]:
    """The workload cluster first: the volumes that matter are those of its PersistentVolumes."""
    leaving = [machine for machine in machines if machine.waits_for == WAITING_FOR_PRE_TERMINATE]
    handles: Fact[frozenset[str]]
    try:
        api = await systems.workload(cluster)
        workload: Fact[WorkloadSight] = await _workload(api, systems.management, cluster, documents, machines)
        handles = (
            read_workload.volume_handles(await api.list("v1", "PersistentVolume")) if leaving else frozenset()
        )
    except ReplankError as error:
        workload = Unknown(f"the workload cluster could not be seen: {error.reason}", error.code)
        handles = workload
    try:
        cloud: Fact[CloudSight] = CloudSight()
        if policy.pools or leaving:
            cloud = await _cloud(await systems.cloud(cluster), leaving, policy, handles)
    except ReplankError as error:
        cloud = Unknown(f"OpenStack could not be seen: {error.reason}", error.code)
    return workload, cloud


async def _workload(
    api: KubeApi,
    management: KubeApi,
    cluster: Document,
    documents: Sequence[Document],
    machines: Sequence[MachineSight],
) -> WorkloadSight:
    """Nodes always, pods and the rest only while a Machine waits or a Deployment has one replica more."""
    nodes, surged = await asyncio.gather(
        api.list("v1", "Node"), api.list("apps/v1", "Deployment", labels={SURGED: "1"})
    )
    waits = any(
        machine.deleting_since is not None
        and (PRE_DRAIN in machine.hooks or machine.waits_for == WAITING_FOR_PRE_TERMINATE)
        for machine in machines
    )
    if not waits and not surged:
        return WorkloadSight(nodes=read_workload.nodes(nodes))
    pods, replica_sets, budgets, deployments, scalers, slices, attachments = await asyncio.gather(
        api.list("v1", "Pod"),
        api.list("apps/v1", "ReplicaSet"),
        api.list("policy/v1", "PodDisruptionBudget"),
        api.list("apps/v1", "Deployment"),
        api.list("autoscaling/v2", "HorizontalPodAutoscaler"),
        api.list("discovery.k8s.io/v1", "EndpointSlice"),
        api.list("storage.k8s.io/v1", "VolumeAttachment"),
    )
    rules = await _rules(api, management, cluster)
    on_node = {
        node: labels_of(document)
        for document, machine in zip(documents, machines, strict=True)
        if (node := machine.node)
    }
    evicted = [
        pod for pod in pods if is_evicted(pod, rules, on_node.get(pod["spec"].get("nodeName", ""), {}))
    ]
    sights: tuple[PodSight, ...] = read_workload.pods(evicted, replica_sets, budgets)
    return WorkloadSight(
        nodes=read_workload.nodes(nodes),
        pods=sights,
        budgets=read_workload.budgets(budgets),
        deployments=read_workload.deployments(deployments, scalers),
        attached=read_workload.attached(attachments),
        endpoints=read_workload.endpoints(slices, sights),
    )


async def _rules(api: KubeApi, management: KubeApi, cluster: Document) -> Rules:
    namespaces, rules = await asyncio.gather(
        api.list("v1", "Namespace"),
        management.list(CORE, "MachineDrainRule", cluster["metadata"]["namespace"]),
    )
    by_name = {found["metadata"]["name"]: labels_of(found) for found in namespaces}
    return Rules(rules, labels_of(cluster), by_name)


async def _cloud(
    cloud: BalancedCloud, leaving: Sequence[MachineSight], policy: Policy, handles: Fact[frozenset[str]]
) -> CloudSight:
    ports, floating_ips = await asyncio.gather(cloud.ports(), cloud.floating_ips())
    pools = {pool.id: await _members(cloud, pool.id) for pool in policy.pools}
    servers = [machine.server for machine in leaving if machine.server]
    volumes = {server: await _volumes(cloud, server, handles) for server in servers}
    return CloudSight(
        pools=pools,
        addresses=read_cloud.addresses(ports),
        floating_ips=read_cloud.floating_ips(floating_ips, ports),
        volumes=volumes,
    )


async def _members(cloud: BalancedCloud, pool: str) -> Fact[tuple[MemberSight, ...]]:
    try:
        return read_cloud.members(await cloud.pool_members(pool))
    except ReplankError as error:
        return Unknown(error.reason, error.code)


async def _volumes(cloud: BalancedCloud, server: str, handles: Fact[frozenset[str]]) -> Fact[tuple[str, ...]]:
    if isinstance(handles, Unknown):
        return handles
    try:
        return read_cloud.volumes(await cloud.volumes_of(server), handles)
    except ReplankError as error:
        return Unknown(error.reason, error.code)
