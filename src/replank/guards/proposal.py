"""Which pools a team would have replank keep, by what the survey saw and the takeover's plan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from replank.domain.errors import Refused
from replank.domain.unknown import Unknown, known_or
from replank.guards.names import GUARD_API, GUARD_KIND
from replank.guards.policy import Pool
from replank.inventory.facts.openstack import LoadBalancer, OpenStackFacts, PoolMember, Subnet
from replank.inventory.facts.openstack import Pool as SeenPool
from replank.inventory.facts.snapshot import Snapshot
from replank.plan.takeover import MachineGroup, TakeoverPlan

_OF_SERVICES: Final = "kube_service_"
"""Names of load balancers that the cloud controller made for Services, and keeps (cloud-provider-openstack,
pkg/openstack/loadbalancer.go, GetLoadBalancerName)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """`pools`: by their load balancer's and their own name. `left_out`: pools of the cluster that are not in
    it, and why."""

    pools: tuple[Pool, ...]
    left_out: tuple[str, ...]

    def manifest(self, cluster: str, namespace: str) -> dict[str, object]:
        """The ClusterGuard."""
        found = [
            {
                key: list(v) if isinstance(v, tuple) else v
                for key, v in pool.model_dump(by_alias=True).items()
                if v
            }
            for pool in self.pools
        ]
        return {
            "apiVersion": GUARD_API,
            "kind": GUARD_KIND,
            "metadata": {"namespace": namespace, "name": cluster},
            "spec": {"pools": found},
        }


class _NotOurs(Exception):
    """Why a pool is left out."""


def propose(snapshot: Snapshot, plan: TakeoverPlan) -> Proposal:
    """Raises `Refused` RP763 where load balancers or servers could not be seen."""
    cloud = snapshot.infrastructure.openstack
    balancers = cloud if isinstance(cloud, Unknown) else cloud.load_balancers
    if isinstance(cloud, Unknown) or isinstance(balancers, Unknown) or isinstance(cloud.servers, Unknown):
        unseen = next(
            fact for fact in (cloud, balancers, getattr(cloud, "servers", None)) if isinstance(fact, Unknown)
        )
        raise Refused(
            "RP763",
            f"The pools of cluster {snapshot.cluster} are not known",
            unseen.unknown,
            f"Let `replank survey {snapshot.cluster}` see the OpenStack project, and try again.",
        )
    services = (
        {}
        if isinstance(snapshot.kubernetes, Unknown)
        else known_or(snapshot.kubernetes.load_balancer_services, ())
    )
    of_services = {service.load_balancer_id for service in services}
    machines = _Machines(cloud, plan)
    pools: list[Pool] = []
    left_out: list[str] = []
    for balancer, seen in _pools(balancers):
        try:
            pools.append(_proposed(balancer, seen, plan, of_services, machines))
        except _NotOurs as why:
            left_out.append(f"pool {seen.id} ({seen.name}) of load balancer {balancer.name}: {why}")
    return Proposal(pools=tuple(pools), left_out=tuple(left_out))


class _Machines:
    """Whose address is whose."""

    def __init__(self, cloud: OpenStackFacts, plan: TakeoverPlan) -> None:
        self.groups = {group.name: group for group in plan.groups if group.role == "worker"}
        self.subnets: Sequence[Subnet] = known_or(cloud.subnets, ())
        by_server = {machine.server_id: machine for machine in plan.machines}
        self.owners = {
            address.address: by_server[server.id]
            for server in known_or(cloud.servers, ())
            for address in server.addresses
            if server.id in by_server and address.kind == "fixed"
        }
        self.group_of: Mapping[str, MachineGroup] = {
            machine: group for group in self.groups.values() for machine in group.machines
        }


def _pools(balancers: Sequence[LoadBalancer]) -> Iterator[tuple[LoadBalancer, SeenPool]]:
    for balancer in sorted(balancers, key=lambda found: (found.name, found.id)):
        for pool in sorted(balancer.pools, key=lambda found: (found.name, found.id)):
            yield balancer, pool


def _proposed(
    balancer: LoadBalancer, seen: SeenPool, plan: TakeoverPlan, of_services: set[str], machines: _Machines
) -> Pool:
    if balancer.id in of_services or balancer.name.startswith(_OF_SERVICES):
        raise _NotOurs("the cloud controller made it for a Service, and keeps it")
    if not seen.members:
        raise _NotOurs("it has no members, so nothing says whose addresses belong into it")
    ports = sorted({member.protocol_port for member in seen.members})
    if len(ports) > 1:
        raise _NotOurs(f"its members listen on several ports: {', '.join(map(str, ports))}")
    owners = [machines.owners.get(member.address) for member in seen.members]
    roles = {owner.role for owner in owners if owner is not None}
    if None in owners:
        strangers = [m.address for m, owner in zip(seen.members, owners, strict=True) if owner is None]
        raise _NotOurs(f"{', '.join(sorted(strangers))} is no machine of the cluster")
    if len(roles) != 1:
        raise _NotOurs("both control planes and workers are its members")
    names = {owner.machine for owner in owners if owner is not None}
    workers = roles == {"worker"}
    managed = plan.load_balancer.mode == "managed" and balancer.id == plan.load_balancer.load_balancer_id
    return Pool(
        id=seen.id,
        kept_by="cluster-api" if managed else "replank",
        port=ports[0],
        machines="workers" if workers else "control-plane",
        deployments=_deployments(names, machines) if workers else (),
        subnet_id=_subnet_id(seen.members),
        network=_network(seen.members, machines.subnets),
    )


def _deployments(members: set[str], machines: _Machines) -> tuple[str, ...]:
    """Empty where workers of every MachineDeployment are members, so that a later one belongs to it, too."""
    wanted = sorted({machines.group_of[name].name for name in members if name in machines.group_of})
    return () if len(wanted) == len(machines.groups) else tuple(wanted)


def _subnet_id(members: Sequence[PoolMember]) -> str:
    ids = {member.subnet_id for member in members}
    return ids.pop() if len(ids) == 1 else ""


def _network(members: Sequence[PoolMember], subnets: Sequence[Subnet]) -> str:
    """The subnet that has them all."""
    for subnet in sorted(subnets, key=lambda found: found.id):
        network = ip_network(subnet.cidr)
        if all(ip_address(member.address) in network for member in members):
            return subnet.cidr
    return ""
