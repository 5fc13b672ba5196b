"""Octavia: load balancers with listeners, pools, members and monitors.

Four listings for the project and one of members for each pool; Octavia lists no members across pools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replank.inventory.facts.openstack import HealthMonitor, Listener, LoadBalancer, Pool, PoolMember
from replank.transports.openstack.documents import (
    Document,
    flag,
    ids,
    integer,
    list_all,
    optional_integer,
    text,
    texts,
)

if TYPE_CHECKING:
    from openstack.proxy import Proxy

COLLECTIONS = ("loadbalancers", "listeners", "pools", "healthmonitors")


@dataclass(frozen=True, slots=True)
class OctaviaDocuments:
    """The project's documents. `members`: pool ID -> members, None = the pool vanished during the look."""

    balancers: Sequence[Document]
    listeners: Sequence[Document]
    pools: Sequence[Document]
    monitors: Sequence[Document]
    members: Mapping[str, Sequence[Document] | None]


def list_collection(service: Proxy, collection: str, project_id: str) -> list[Document]:
    """One of `COLLECTIONS`. The filter keeps an administrator's look to the project."""
    return list_all(service, f"/lbaas/{collection}", collection, params={"project_id": project_id})


def list_members(service: Proxy, pool_id: str) -> list[Document] | None:
    """Members of a pool; None if it was deleted since the pools were listed."""
    from openstack.exceptions import NotFoundException

    try:
        return list_all(service, f"/lbaas/pools/{pool_id}/members", "members")
    except NotFoundException:
        return None


def assembled(documents: OctaviaDocuments) -> tuple[LoadBalancer, ...]:
    """Whole load balancers, sorted by ID."""
    monitors = {pool: _monitor(m) for m in documents.monitors for pool in ids(m.get("pools"))}
    pools: dict[str, list[Pool]] = {}
    for document in documents.pools:
        members = documents.members.get(str(document["id"]))
        if members is None:
            continue
        pool = _pool(document, members, monitors.get(str(document["id"])))
        for balancer in ids(document.get("loadbalancers")):
            pools.setdefault(balancer, []).append(pool)
    listeners: dict[str, list[Listener]] = {}
    for document in documents.listeners:
        for balancer in ids(document.get("loadbalancers")):
            listeners.setdefault(balancer, []).append(_listener(document))
    found = (_balancer(d, listeners, pools) for d in documents.balancers)
    return tuple(sorted(found, key=lambda b: b.id))


def _balancer(
    document: Document, listeners: Mapping[str, list[Listener]], pools: Mapping[str, list[Pool]]
) -> LoadBalancer:
    id_ = str(document["id"])
    return LoadBalancer(
        id=id_,
        name=text(document, "name"),
        vip_address=text(document, "vip_address"),
        vip_port_id=text(document, "vip_port_id"),
        vip_subnet_id=text(document, "vip_subnet_id"),
        vip_network_id=text(document, "vip_network_id"),
        provider=text(document, "provider"),
        flavor_id=text(document, "flavor_id"),
        provisioning_status=text(document, "provisioning_status"),
        operating_status=text(document, "operating_status"),
        listeners=tuple(sorted(listeners.get(id_, ()), key=lambda item: item.id)),
        pools=tuple(sorted(pools.get(id_, ()), key=lambda item: item.id)),
        tags=texts(document, "tags"),
    )


def _listener(document: Document) -> Listener:
    return Listener(
        id=str(document["id"]),
        name=text(document, "name"),
        protocol=text(document, "protocol"),
        protocol_port=integer(document, "protocol_port"),
        pool_id=text(document, "default_pool_id"),
        allowed_cidrs=texts(document, "allowed_cidrs"),
        timeout_client_data_ms=optional_integer(document, "timeout_client_data"),
        timeout_member_data_ms=optional_integer(document, "timeout_member_data"),
    )


def _pool(document: Document, members: Iterable[Document], monitor: HealthMonitor | None) -> Pool:
    return Pool(
        id=str(document["id"]),
        name=text(document, "name"),
        protocol=text(document, "protocol"),
        algorithm=text(document, "lb_algorithm"),
        members=tuple(sorted((_member(m) for m in members), key=lambda m: m.id)),
        monitor=monitor,
    )


def _member(document: Document) -> PoolMember:
    return PoolMember(
        id=str(document["id"]),
        name=text(document, "name"),
        address=str(document["address"]),
        protocol_port=integer(document, "protocol_port"),
        subnet_id=text(document, "subnet_id"),
        weight=integer(document, "weight", 1),
        operating_status=text(document, "operating_status"),
        backup=flag(document, "backup"),
    )


def _monitor(document: Document) -> HealthMonitor:
    return HealthMonitor(
        id=str(document["id"]),
        name=text(document, "name"),
        type=text(document, "type"),
        delay=integer(document, "delay"),
        timeout=integer(document, "timeout"),
        max_retries=integer(document, "max_retries"),
        max_retries_down=integer(document, "max_retries_down", 3),
    )
