"""Compares what a state claims of load balancers and their parts with the cloud."""

from __future__ import annotations

from collections.abc import Iterator

from replank.inventory.facts.openstack import HealthMonitor, Listener, LoadBalancer, Pool, PoolMember
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.claims import Pair, group, listed, plain
from replank.inventory.openstack.references import blocks, text


def balancer_pairs(resource: TerraformResource, live: LoadBalancer) -> Iterator[Pair]:
    """A load balancer."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "vip_address", live.vip_address)
    for name, value in (
        ("vip_port_id", live.vip_port_id),
        ("vip_subnet_id", live.vip_subnet_id),
        ("vip_network_id", live.vip_network_id),
        ("loadbalancer_provider", live.provider),
        ("flavor_id", live.flavor_id),
    ):
        # Old states hold "" for what the provider did not read back.
        if text(resource, name):
            yield from plain(resource, name, value)
    yield from group(resource, "tags", live.tags)


def listener_pairs(resource: TerraformResource, live: Listener) -> Iterator[Pair]:
    """A listener. Timeouts in milliseconds."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "protocol", live.protocol)
    yield from plain(resource, "protocol_port", live.protocol_port)
    if text(resource, "default_pool_id"):
        yield from plain(resource, "default_pool_id", live.pool_id)
    yield from group(resource, "allowed_cidrs", live.allowed_cidrs)
    for name, value in (
        ("timeout_client_data", live.timeout_client_data_ms),
        ("timeout_member_data", live.timeout_member_data_ms),
    ):
        if value is not None:
            yield from plain(resource, name, value)


def pool_pairs(resource: TerraformResource, live: Pool) -> Iterator[Pair]:
    """A pool."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "protocol", live.protocol)
    yield from plain(resource, "lb_method", live.algorithm)


def member_pairs(resource: TerraformResource, live: PoolMember) -> Iterator[Pair]:
    """A member."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "address", live.address)
    yield from plain(resource, "protocol_port", live.protocol_port)
    yield from plain(resource, "weight", live.weight)
    yield from plain(resource, "backup", live.backup)
    if text(resource, "subnet_id"):
        yield from plain(resource, "subnet_id", live.subnet_id)


def members_pairs(resource: TerraformResource, live: Pool) -> Iterator[Pair]:
    """All members of a pool as one resource."""
    claimed = [f"{m.get('address')}:{m.get('protocol_port')}" for m in blocks(resource, "member")]
    yield Pair("members", listed(claimed), listed(f"{m.address}:{m.protocol_port}" for m in live.members))


def monitor_pairs(resource: TerraformResource, live: HealthMonitor) -> Iterator[Pair]:
    """A health monitor. Seconds."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "type", live.type)
    yield from plain(resource, "delay", live.delay)
    yield from plain(resource, "timeout", live.timeout)
    yield from plain(resource, "max_retries", live.max_retries)
    yield from plain(resource, "max_retries_down", live.max_retries_down)
