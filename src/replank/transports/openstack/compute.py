"""Nova: servers, flavors, server groups, keypair names, zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from replank.inventory.facts.openstack import AvailabilityZone, Flavor, Server, ServerAddress, ServerGroup
from replank.transports.openstack.documents import (
    Document,
    flag,
    inner,
    integer,
    list_all,
    list_by_offset,
    text,
    texts,
)

if TYPE_CHECKING:
    from openstack.proxy import Proxy

# Newest microversion whose answers are known here: 2.9 locked, 2.26 tags, 2.47 flavor inside, 2.64 server
# group policy, 2.90 hostname for everybody (nova/api/openstack/rest_api_version_history.rst).
NOVA_MICROVERSION: Final = "2.96"

# Metadata keys that tell a role or a cluster. Other keys may hold anything, secrets too.
METADATA_KEYS: Final = frozenset(
    {
        "cluster",
        "cluster_name",
        "groups",
        "k8s_cluster",
        "k8s_role",
        "kubernetes_cluster",
        "kubernetes_role",
        "kubespray_groups",
        "node_group",
        "node_role",
        "role",
        "roles",
    }
)


@dataclass(frozen=True, slots=True)
class ServerListing:
    """Servers, and what only Nova knows of their volumes: volume ID -> deleted together with the server."""

    servers: tuple[Server, ...]
    delete_on_termination: Mapping[str, bool]


def list_servers(service: Proxy) -> ServerListing:
    """Servers of the project. `completed` adds the IDs of their flavors and groups."""
    documents = list_all(service, "/servers/detail", "servers")
    volumes = {
        str(volume["id"]): bool(volume["delete_on_termination"])
        for document in documents
        for volume in document.get("os-extended-volumes:volumes_attached") or ()
        if volume.get("delete_on_termination") is not None
    }
    return ServerListing(tuple(sorted((_server(d) for d in documents), key=lambda s: s.id)), volumes)


def list_flavors(service: Proxy) -> tuple[Flavor, ...]:
    """Flavors that the project may use."""
    documents = list_all(service, "/flavors/detail", "flavors")
    flavors = (
        Flavor(
            id=str(d["id"]),
            name=str(d["name"]),
            vcpus=integer(d, "vcpus"),
            ram_mib=integer(d, "ram"),
            disk_gib=integer(d, "disk"),
        )
        for d in documents
    )
    return tuple(sorted(flavors, key=lambda f: f.id))


def list_server_groups(service: Proxy) -> tuple[ServerGroup, ...]:
    """Server groups. Up to microversion 2.63 the policy stands in a list."""
    documents = list_by_offset(service, "/os-server-groups", "server_groups")
    groups = (
        ServerGroup(
            id=str(d["id"]),
            name=text(d, "name"),
            policy=text(d, "policy") or ", ".join(texts(d, "policies")),
            member_ids=texts(d, "members"),
        )
        for d in documents
    )
    return tuple(sorted(groups, key=lambda g: g.id))


def list_keypairs(service: Proxy) -> tuple[str, ...]:
    """Names of the keypairs of the survey's user. Nova shows nobody the keypairs of others."""
    documents = list_all(service, "/os-keypairs", "keypairs")
    return tuple(sorted({str(d["keypair"]["name"]) for d in documents}))


def list_zones(service: Proxy) -> tuple[AvailabilityZone, ...]:
    """Compute zones."""
    return zones_of(list_all(service, "/os-availability-zone", "availabilityZoneInfo"), "compute")


def zones_of(documents: Sequence[Document], service: str) -> tuple[AvailabilityZone, ...]:
    """Zones as Nova and Cinder list them."""
    return tuple(
        AvailabilityZone(
            name=str(d["zoneName"]),
            service=service,
            available=flag(inner(d, "zoneState"), "available", True),
        )
        for d in documents
    )


def completed(
    servers: Sequence[Server], flavors: Sequence[Flavor], groups: Sequence[ServerGroup]
) -> tuple[Server, ...]:
    """Servers with what other listings tell of them.

    From microversion 2.47 a server carries its flavor's name and no ID; Nova keeps flavor names unique. A
    server whose flavor is gone keeps "" as its ID. The groups of a server stand in no listing of servers.
    """
    by_name = {flavor.name: flavor.id for flavor in flavors}
    by_id = {flavor.id: flavor.name for flavor in flavors}
    memberships: dict[str, list[str]] = {}
    for group in groups:
        for member in group.member_ids:
            memberships.setdefault(member, []).append(group.id)
    return tuple(
        replace(
            server,
            flavor_id=server.flavor_id or by_name.get(server.flavor, ""),
            flavor=server.flavor or by_id.get(server.flavor_id, ""),
            server_group_ids=tuple(sorted(memberships.get(server.id, ()))),
        )
        for server in servers
    )


def _server(document: Document) -> Server:
    flavor = inner(document, "flavor")
    metadata = inner(document, "metadata")
    return Server(
        id=str(document["id"]),
        name=str(document["name"]),
        status=str(document["status"]),
        flavor=text(flavor, "original_name"),
        flavor_id=text(flavor, "id"),
        image_id=text(inner(document, "image"), "id"),
        availability_zone=text(document, "OS-EXT-AZ:availability_zone"),
        key_name=text(document, "key_name"),
        addresses=_addresses(inner(document, "addresses")),
        security_groups=tuple(sorted({str(g["name"]) for g in document.get("security_groups") or ()})),
        metadata={key: str(metadata[key]) for key in sorted(metadata) if key in METADATA_KEYS},
        tags=texts(document, "tags"),
        attached_volumes=tuple(
            sorted(str(v["id"]) for v in document.get("os-extended-volumes:volumes_attached") or ())
        ),
        config_drive=flag(document, "config_drive"),
        locked=flag(document, "locked"),
        host_name=text(document, "OS-EXT-SRV-ATTR:hostname"),
        task_state=text(document, "OS-EXT-STS:task_state"),
    )


def _addresses(networks: Document) -> tuple[ServerAddress, ...]:
    found = (
        ServerAddress(
            network=str(network),
            address=str(address["addr"]),
            version=integer(address, "version", 4),
            kind=text(address, "OS-EXT-IPS:type") or "fixed",
            mac=text(address, "OS-EXT-IPS-MAC:mac_addr"),
        )
        for network, addresses in networks.items()
        for address in addresses
    )
    return tuple(sorted(found, key=lambda a: (a.network, a.kind, a.version, a.address, a.mac)))
