"""Cuts one cluster's part out of the OpenStack project that it stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.kubernetes import KubernetesFacts, LoadBalancerService, Node
from replank.inventory.facts.openstack import OpenStackFacts
from replank.inventory.facts.terraform import TerraformFacts, TerraformResource
from replank.inventory.fleet.model import ClusterConfig
from replank.inventory.openstack.select import select_for_cluster


def cluster_part(
    project: Fact[OpenStackFacts],
    state: Fact[TerraformFacts],
    kubernetes: Fact[KubernetesFacts],
    claimed_by_others: Mapping[str, str],
    config: ClusterConfig,
) -> Fact[OpenStackFacts]:
    """What belongs to the cluster by its state, its Nodes, its volumes and its Services."""
    if isinstance(project, Unknown):
        return project
    resources: Fact[Sequence[TerraformResource]] = state if isinstance(state, Unknown) else state.resources
    nodes: Fact[Sequence[Node]]
    handles: Fact[Sequence[str]]
    services: Fact[Sequence[LoadBalancerService]]
    if isinstance(kubernetes, Unknown):
        nodes = handles = services = kubernetes
    else:
        nodes, services = kubernetes.nodes, kubernetes.load_balancer_services
        volumes = kubernetes.persistent_volumes
        handles = volumes if isinstance(volumes, Unknown) else tuple(v.handle for v in volumes if v.handle)
    wanted = (config.new_machines, config.new_control_planes)
    return select_for_cluster(
        project,
        resources=resources,
        nodes=nodes,
        volume_handles=handles,
        load_balancer_services=services,
        claimed_by_others=claimed_by_others,
        named=[name for new in wanted for name in (new.image, new.flavor, new.ssh_key) if name],
    )
