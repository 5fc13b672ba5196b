"""Where a state and the cloud disagree about an attribute that matters.

Only managed, live resources that the cloud has are compared: what is gone is `missing`, what waits to be
destroyed says nothing about the future. A listing that is unknown is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from replank.domain.unknown import Fact, known_or
from replank.inventory.facts.openstack import Difference, OpenStackFacts
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack import compare_compute as compute
from replank.inventory.openstack import compare_load_balancer as balancers
from replank.inventory.openstack import compare_network as network
from replank.inventory.openstack.claims import Pair
from replank.inventory.openstack.references import PREFIX, elsewhere


class _WithID(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_WithID)
Comparison = Callable[[TerraformResource], Iterable[Pair]]


def differences(project: OpenStackFacts, resources: Iterable[TerraformResource]) -> tuple[Difference, ...]:
    """All disagreements, sorted by address and attribute. The texts hold no secrets: no side keeps any."""
    managed = [
        r
        for r in resources
        if r.mode == "managed"
        and not r.deposed
        and r.type.startswith(PREFIX)
        and not elsewhere(r, project.region, project.project_id)
    ]
    comparisons = _comparisons(project, managed)
    found = {
        Difference(
            address=resource.address,
            id=resource.id,
            attribute=pair.attribute,
            state=pair.state,
            live=pair.live,
        )
        for resource in managed
        if (compare := comparisons.get(resource.type.removeprefix(PREFIX)))
        for pair in compare(resource)
        if pair.state != pair.live
    }
    return tuple(sorted(found, key=lambda d: (d.address, d.attribute, d.id, d.state, d.live)))


def _comparisons(project: OpenStackFacts, managed: Sequence[TerraformResource]) -> Mapping[str, Comparison]:
    return {**_of_compute(project), **_of_network(project, managed), **_of_load_balancers(project)}


def _of_compute(project: OpenStackFacts) -> Mapping[str, Comparison]:
    volumes = _by_id(project.volumes, compute.volume_pairs)
    return {
        "compute_instance_v2": _by_id(
            project.servers, lambda resource, live: compute.server_pairs(resource, live, project)
        ),
        "compute_servergroup_v2": _by_id(project.server_groups, compute.server_group_pairs),
        "blockstorage_volume_v1": volumes,
        "blockstorage_volume_v2": volumes,
        "blockstorage_volume_v3": volumes,
    }


def _of_network(project: OpenStackFacts, managed: Sequence[TerraformResource]) -> Mapping[str, Comparison]:
    ids = {r.id for r in managed if r.type == f"{PREFIX}networking_floatingip_associate_v2"}
    addresses = {
        r.id.partition("/")[0] for r in managed if r.type == f"{PREFIX}compute_floatingip_associate_v2"
    }
    groups = _by_id(project.security_groups, network.security_group_pairs)
    by_address = {f.address: f for f in known_or(project.floating_ips, ())}

    def of_server(resource: TerraformResource) -> Iterable[Pair]:
        floating = by_address.get(resource.id.partition("/")[0])
        return network.server_association_pairs(resource, floating, project) if floating else ()

    return {
        "networking_port_v2": _by_id(project.ports, network.port_pairs),
        "networking_network_v2": _by_id(project.networks, network.network_pairs),
        "networking_subnet_v2": _by_id(project.subnets, network.subnet_pairs),
        "networking_router_v2": _by_id(project.routers, network.router_pairs),
        "networking_router_interface_v2": _by_id(project.ports, network.interface_pairs),
        "networking_floatingip_v2": _by_id(
            project.floating_ips,
            lambda resource, live: network.floating_ip_pairs(
                resource, live, live.id in ids or live.address in addresses
            ),
        ),
        "networking_floatingip_associate_v2": _by_id(project.floating_ips, network.association_pairs),
        "compute_floatingip_associate_v2": of_server,
        "networking_secgroup_v2": groups,
        "compute_secgroup_v2": groups,
    }


def _of_load_balancers(project: OpenStackFacts) -> Mapping[str, Comparison]:
    whole = known_or(project.load_balancers, ())
    pools = tuple(pool for balancer in whole for pool in balancer.pools)
    return {
        "lb_loadbalancer_v2": _by_id(whole, balancers.balancer_pairs),
        "lb_listener_v2": _by_id(tuple(x for b in whole for x in b.listeners), balancers.listener_pairs),
        "lb_pool_v2": _by_id(pools, balancers.pool_pairs),
        "lb_members_v2": _by_id(pools, balancers.members_pairs),
        "lb_member_v2": _by_id(tuple(m for p in pools for m in p.members), balancers.member_pairs),
        "lb_monitor_v2": _by_id(tuple(p.monitor for p in pools if p.monitor), balancers.monitor_pairs),
    }


def _by_id(
    live: Fact[tuple[T, ...]], compare: Callable[[TerraformResource, T], Iterator[Pair]]
) -> Comparison:
    """A comparison of a resource with the live thing of its ID; nothing where the cloud has none."""
    by_id = {item.id: item for item in known_or(live, ())}

    def run(resource: TerraformResource) -> Iterable[Pair]:
        item = by_id.get(resource.id)
        return compare(resource, item) if item is not None else ()

    return run
