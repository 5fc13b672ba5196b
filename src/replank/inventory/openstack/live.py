"""What the cloud has, by kind, to confirm what a state names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

from replank.domain.unknown import Fact, Unknown
from replank.inventory.facts.openstack import MissingResource, OpenStackFacts
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.references import Reference, elsewhere, named_by

T = TypeVar("T")


def missing_resources(
    project: OpenStackFacts, resources: Iterable[TerraformResource]
) -> tuple[MissingResource, ...]:
    """Managed resources whose things the cloud does not have, sorted by address.

    A thing whose listing is unknown is never missing. What data sources name is not looked for: Terraform
    reads it anew at each plan.
    """
    ids = confirmed_ids(project)
    found = {
        MissingResource(address=_address(resource), type=resource.type, id=resource.id)
        for resource in resources
        if resource.mode == "managed" and not elsewhere(resource, project.region, project.project_id)
        for reference in named_by(resource)
        if _is_missing(reference, ids(reference.kind))
    }
    return tuple(sorted(found, key=lambda m: (m.address, m.id)))


def confirmed_ids(project: OpenStackFacts) -> Callable[[str], Fact[frozenset[str]]]:
    """A function from kind to the IDs that the cloud has of it."""

    @cache
    def of_kind(kind: str) -> Fact[frozenset[str]]:
        return _ids(project, kind)

    return of_kind


def _address(resource: TerraformResource) -> str:
    return f"{resource.address} (deposed {resource.deposed})" if resource.deposed else resource.address


def _is_missing(reference: Reference, ids: Fact[frozenset[str]]) -> bool:
    return not isinstance(ids, Unknown) and reference.id not in ids


def _ids(project: OpenStackFacts, kind: str) -> Fact[frozenset[str]]:
    """IDs of one kind; unknown where the listing is, or where no listing tells of the kind."""
    if kind == "interface":
        return _each(project.ports, lambda p: [f"{p.device_id}/{p.id}"])
    if kind == "trunk":
        return _each(project.ports, lambda p: [p.trunk_id])
    if kind == "security_group_rule":
        return _each(project.security_groups, lambda g: [r.id for r in g.rules])
    if kind == "attachment":
        return _each(project.volumes, lambda v: [f"{a.server_id}/{v.id}" for a in v.attachments])
    if kind == "address":
        return _each(project.floating_ips, lambda f: [f.address])
    if kind == "listener":
        return _each(project.load_balancers, lambda b: [x.id for x in b.listeners])
    if kind == "pool":
        return _each(project.load_balancers, lambda b: [x.id for x in b.pools])
    if kind == "member":
        return _each(project.load_balancers, lambda b: [m.id for x in b.pools for m in x.members])
    if kind == "monitor":
        return _each(project.load_balancers, lambda b: [x.monitor.id for x in b.pools if x.monitor])
    return _plain_ids(project, kind)


def _plain_ids(project: OpenStackFacts, kind: str) -> Fact[frozenset[str]]:
    collections: dict[str, Callable[[], Fact[frozenset[str]]]] = {
        "server": lambda: _each(project.servers, lambda x: [x.id]),
        "port": lambda: _each(project.ports, lambda x: [x.id]),
        "network": lambda: _each(project.networks, lambda x: [x.id]),
        "subnet": lambda: _each(project.subnets, lambda x: [x.id]),
        "router": lambda: _each(project.routers, lambda x: [x.id]),
        "floating_ip": lambda: _each(project.floating_ips, lambda x: [x.id]),
        "security_group": lambda: _each(project.security_groups, lambda x: [x.id]),
        "volume": lambda: _each(project.volumes, lambda x: [x.id]),
        "server_group": lambda: _each(project.server_groups, lambda x: [x.id]),
        "load_balancer": lambda: _each(project.load_balancers, lambda x: [x.id]),
        "flavor": lambda: _each(project.flavors, lambda x: [x.id]),
        "image": lambda: _each(project.images, lambda x: [x.id]),
    }
    if kind in collections:
        return collections[kind]()
    return Unknown(f"no listing of the cloud tells of a {kind}")


def _each(fact: Fact[tuple[T, ...]], ids: Callable[[T], Iterable[str]]) -> Fact[frozenset[str]]:
    if isinstance(fact, Unknown):
        return fact
    return frozenset(id_ for item in fact for id_ in ids(item))
