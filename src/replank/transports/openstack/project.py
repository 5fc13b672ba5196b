"""Looks at every collection of an open project. Imported only inside functions.

Services are discovered first, one request or two each; where that fails all collections of the service are
unknown for one reason, and nothing more is asked of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from openstack.proxy import Proxy

from replank.domain.unknown import Fact, Unknown, known_or
from replank.inventory.facts.openstack import (
    AvailabilityZone,
    Flavor,
    Image,
    LoadBalancer,
    OpenStackFacts,
    Port,
    Quota,
    Router,
    Server,
    ServerGroup,
    Volume,
)
from replank.transports.openstack import compute, load_balancers, network, quotas, storage
from replank.transports.openstack.connect import OpenProject
from replank.transports.openstack.documents import Document
from replank.transports.openstack.errors import absent
from replank.transports.openstack.look import Look
from replank.transports.openstack.threads import Threads

T = TypeVar("T")
SERVICES = ("compute", "network", "image")
# A cloud may be without these. What uses them all the same shows that the catalog hides them.
OPTIONAL_SERVICES = ("load-balancer", "block-storage")
# device_owner of Octavia's own ports (octavia/common/constants.py, OCTAVIA_OWNER).
_OCTAVIA = "Octavia"
# Code of "this cloud does not have it", which for optional services means that there is nothing.
ABSENT = "RP043"


async def read_project(project: OpenProject, threads: Threads) -> OpenStackFacts:
    """Everything that `OpenStackFacts` holds of a project. Raises nothing for a listing that failed."""
    look = Look(project, threads)
    (nova, neutron, glance), (octavia, cinder) = await asyncio.gather(
        asyncio.gather(*map(look.service, SERVICES)),
        asyncio.gather(*map(look.service_if_any, OPTIONAL_SERVICES)),
    )
    scope = project.scope
    async with asyncio.TaskGroup() as group:
        start = group.create_task
        servers = start(look.listing(nova, "servers", compute.list_servers))
        flavors = start(look.listing(nova, "flavors", compute.list_flavors))
        groups = start(look.listing(nova, "server groups", compute.list_server_groups))
        keypairs = start(look.listing(nova, "keypairs", compute.list_keypairs))
        ports = start(look.listing(neutron, "ports", partial(network.list_ports, scope=project.port_scope)))
        networks = start(look.listing(neutron, "networks", network.list_networks))
        subnets = start(look.listing(neutron, "subnets", network.list_subnets))
        routers = start(look.listing(neutron, "routers", partial(network.list_routers, scope=scope)))
        addresses = partial(network.list_floating_ips, scope=scope)
        floating_ips = start(look.listing(neutron, "floating IPs", addresses))
        security_groups = start(look.listing(neutron, "security groups", network.list_security_groups))
        images = start(look.listing(glance, "images", storage.list_images))
        volumes = start(look.listing_if_any(cinder, "volumes", storage.list_volumes))
        balancers = start(_load_balancers(look, octavia))
        zones = start(_zones(look, nova, neutron, cinder))
        limits = start(_quotas(look, nova, neutron, cinder))
    machines = _servers(servers.result(), known_or(flavors.result(), ()), known_or(groups.result(), ()))
    disks = _volumes(volumes.result(), servers.result())
    if cinder is None and any(server.attached_volumes for server in known_or(machines, ())):
        disks = _hidden(look, "block-storage", "servers have volumes")
    found = balancers.result()
    if octavia is None and any(port.device_owner == _OCTAVIA for port in known_or(ports.result(), ())):
        found = _hidden(look, "load-balancer", "ports belong to load balancers")
    return OpenStackFacts(
        cloud=project.cloud,
        region=project.region,
        project_id=project.project_id,
        project_name=project.project_name,
        roles=project.roles,
        servers=machines,
        ports=ports.result(),
        networks=networks.result(),
        subnets=subnets.result(),
        routers=_routers(routers.result(), ports.result()),
        floating_ips=floating_ips.result(),
        security_groups=security_groups.result(),
        volumes=disks,
        server_groups=groups.result(),
        load_balancers=found,
        flavors=flavors.result(),
        images=await _with_unlisted(look, glance, images.result(), machines, disks),
        keypairs=keypairs.result(),
        zones=zones.result(),
        quotas=limits.result(),
    )


def _servers(
    listing: Fact[compute.ServerListing], flavors: Sequence[Flavor], groups: Sequence[ServerGroup]
) -> Fact[tuple[Server, ...]]:
    """Where flavors or groups could not be seen, the servers' own IDs of them stay empty."""
    if isinstance(listing, Unknown):
        return listing
    return compute.completed(listing.servers, flavors, groups)


def _volumes(
    volumes: Fact[tuple[Volume, ...]], servers: Fact[compute.ServerListing]
) -> Fact[tuple[Volume, ...]]:
    if isinstance(volumes, Unknown) or isinstance(servers, Unknown):
        return volumes
    return storage.with_deletion(volumes, servers.delete_on_termination)


def _routers(routers: Fact[tuple[Router, ...]], ports: Fact[tuple[Port, ...]]) -> Fact[tuple[Router, ...]]:
    """A router whose interfaces could not be seen must not look like one without any."""
    if isinstance(routers, Unknown):
        return routers
    return ports if isinstance(ports, Unknown) else network.with_interfaces(routers, ports)


async def _with_unlisted(
    look: Look,
    glance: Fact[Proxy],
    images: Fact[tuple[Image, ...]],
    servers: Fact[tuple[Server, ...]],
    volumes: Fact[tuple[Volume, ...]],
) -> Fact[tuple[Image, ...]]:
    """Asks by ID for images that servers and volumes were made of and that no listing shows."""
    if isinstance(images, Unknown):
        return images
    used = {s.image_id for s in known_or(servers, ())} | {v.image_id for v in known_or(volumes, ())}
    wanted = sorted(used - {image.id for image in images} - {""})
    found = await asyncio.gather(
        *(
            look.listing(glance, "images", partial(storage.find_image, image_id=image_id))
            for image_id in wanted
        )
    )
    if failed := next((image for image in found if isinstance(image, Unknown)), None):
        return failed
    return storage.merged(images, (image for image in found if not isinstance(image, Unknown)))


def _hidden(look: Look, service_type: str, but: str) -> Unknown:
    """A service that is in use and not in the catalog: Keystone can hide endpoints from a project."""
    why = absent(f"OpenStack {look.project.cloud}: {service_type}", service_type).reason
    return Unknown(f"{why}, but {but}", ABSENT)


async def _load_balancers(look: Look, octavia: Fact[Proxy | None]) -> Fact[tuple[LoadBalancer, ...]]:
    """Whole load balancers, or the first reason why they are not whole."""
    if octavia is None:
        return ()
    listed = await asyncio.gather(
        *(
            look.listing(
                octavia,
                f"load balancers ({collection})",
                partial(
                    load_balancers.list_collection,
                    collection=collection,
                    project_id=look.project.project_id,
                ),
            )
            for collection in load_balancers.COLLECTIONS
        )
    )
    documents: list[list[Document]] = []
    for fact in listed:
        if isinstance(fact, Unknown):
            return fact
        documents.append(fact)
    balancers, listeners, pools, monitors = documents
    names = [str(pool.get("id", "")) for pool in pools]
    found = await asyncio.gather(
        *(
            look.listing(
                octavia, "load balancers (members)", partial(load_balancers.list_members, pool_id=name)
            )
            for name in names
        )
    )
    members: dict[str, list[Document] | None] = {}
    for name, of_pool in zip(names, found, strict=True):
        if isinstance(of_pool, Unknown):
            return of_pool
        members[name] = of_pool
    whole = load_balancers.OctaviaDocuments(balancers, listeners, pools, monitors, members)
    return await look.at("load balancers", partial(load_balancers.assembled, whole))


async def _zones(
    look: Look, nova: Fact[Proxy], neutron: Fact[Proxy], cinder: Fact[Proxy | None]
) -> Fact[tuple[AvailabilityZone, ...]]:
    own, networks, volumes = await asyncio.gather(
        look.listing(nova, "compute zones", compute.list_zones),
        look.listing(neutron, "network zones", network.list_zones),
        look.listing_if_any(cinder, "volume zones", storage.list_zones),
    )
    zones = _joined(own, _optional(networks), _optional(volumes))
    return zones if isinstance(zones, Unknown) else tuple(sorted(zones, key=lambda z: (z.service, z.name)))


async def _quotas(
    look: Look, nova: Fact[Proxy], neutron: Fact[Proxy], cinder: Fact[Proxy | None]
) -> Fact[tuple[Quota, ...]]:
    project_id = look.project.project_id
    own, networks, volumes = await asyncio.gather(
        look.listing(nova, "compute quotas", partial(quotas.compute_quotas, project_id=project_id)),
        look.listing(neutron, "network quotas", partial(quotas.network_quotas, project_id=project_id)),
        look.listing_if_any(cinder, "volume quotas", partial(quotas.volume_quotas, project_id=project_id)),
    )
    limits = _joined(own, _optional(networks), _optional(volumes))
    return limits if isinstance(limits, Unknown) else tuple(sorted(limits, key=lambda q: q.resource))


def _optional(fact: Fact[tuple[T, ...]]) -> Fact[tuple[T, ...]]:
    """A region without Cinder has no volume zones, one without Neutron's extension no network zones."""
    return () if isinstance(fact, Unknown) and fact.code == ABSENT else fact


def _joined(*facts: Fact[tuple[T, ...]]) -> Fact[tuple[T, ...]]:
    """All together, or the first reason why they are not complete."""
    found: list[T] = []
    for fact in facts:
        if isinstance(fact, Unknown):
            return fact
        found.extend(fact)
    return tuple(found)
