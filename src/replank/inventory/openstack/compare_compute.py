"""Compares what a state claims of servers, server groups and volumes with the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from replank.domain.unknown import Unknown, known_or
from replank.inventory.facts.openstack import OpenStackFacts, Port, Server, ServerGroup, Volume
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.claims import NONE, Pair, group, listed, plain, shown
from replank.inventory.openstack.references import blocks, text, texts

# What the provider writes as `image_id` of a server that boots from a volume
# (resource_openstack_compute_instance_v2.go, setImageInformation).
BOOT_FROM_VOLUME: Final = "Attempt to boot from volume"


def server_pairs(resource: TerraformResource, server: Server, project: OpenStackFacts) -> Iterator[Pair]:
    """A server. Its ports are joined by `network[].port`: a port's own `device_id` is often stale."""
    yield from plain(resource, "name", server.name)
    yield from _flavor(resource, server)
    yield from _image(resource, server, project)
    yield from plain(resource, "key_pair", server.key_name)
    if zone := text(resource, "availability_zone"):
        # An administrator may place a server by `zone:host`.
        yield Pair("availability_zone", zone.partition(":")[0], shown(server.availability_zone))
    if power := text(resource, "power_state"):
        yield Pair("power_state", power.lower(), server.status.lower())
    if claimed := texts(resource, "security_groups"):
        yield Pair("security_groups", listed(_group_names(claimed, project)), listed(server.security_groups))
    yield from group(resource, "all_tags", server.tags, "tags")
    if hints := [h.get("group") for h in blocks(resource, "scheduler_hints") if h.get("group")]:
        yield Pair("server group", listed(map(str, hints)), listed(server.server_group_ids))
    if not isinstance(project.ports, Unknown) and blocks(resource, "network"):
        ports = [p for p in project.ports if p.device_id == server.id]
        yield from _interfaces(resource, ports)


def _flavor(resource: TerraformResource, server: Server) -> Iterator[Pair]:
    """By ID where Nova told one or the flavor still exists; else by name."""
    if server.flavor_id:
        yield from plain(resource, "flavor_id", server.flavor_id)
    elif server.flavor:
        yield from plain(resource, "flavor_name", server.flavor)


def _image(resource: TerraformResource, server: Server, project: OpenStackFacts) -> Iterator[Pair]:
    claimed = text(resource, "image_id")
    if claimed.startswith(BOOT_FROM_VOLUME):
        yield Pair("image_id", "boot from volume", server.image_id or "boot from volume")
        yield from _root_image(resource, server, project)
    elif claimed:
        yield Pair("image_id", claimed, server.image_id or "boot from volume")


def _root_image(resource: TerraformResource, server: Server, project: OpenStackFacts) -> Iterator[Pair]:
    """The image behind the root volume. The volume's ID is not in the state: only one candidate will do."""
    devices = blocks(resource, "block_device")
    images = [d.get("uuid") for d in devices if d.get("source_type") == "image" and d.get("boot_index") == 0]
    roots = [
        v
        for v in known_or(project.volumes, ())
        if v.id in server.attached_volumes and v.bootable and v.image_id
    ]
    if len(images) == 1 and images[0] and len(roots) == 1:
        yield Pair("image of the root volume", shown(images[0]), roots[0].image_id)


def _group_names(claimed: tuple[str, ...], project: OpenStackFacts) -> set[str]:
    """The provider keeps names, or IDs where the configuration gave IDs; Nova lists names."""
    names = {g.id: g.name for g in known_or(project.security_groups, ())}
    return {names.get(item, item) for item in claimed}


def _interfaces(resource: TerraformResource, ports: list[Port]) -> Iterator[Pair]:
    networks = blocks(resource, "network")
    claimed = [str(n["uuid"]) for n in networks if n.get("uuid")]
    if len(claimed) == len(networks):
        yield Pair("networks", listed(claimed), listed(p.network_id for p in ports))
    addresses = {
        str(n[key]).strip("[]") for n in networks for key in ("fixed_ip_v4", "fixed_ip_v6") if n.get(key)
    }
    live = {ip.address for p in ports for ip in p.fixed_ips}
    # A port may hold more addresses than the two for which a network block has room.
    if addresses - live:
        yield Pair("fixed IPs", listed(addresses), listed(live))
    named = {str(n["port"]) for n in networks if n.get("port")}
    if named - {p.id for p in ports}:
        yield Pair("ports", listed(named), listed(p.id for p in ports))


def server_group_pairs(resource: TerraformResource, live: ServerGroup) -> Iterator[Pair]:
    """A server group."""
    yield from plain(resource, "name", live.name)
    if policies := texts(resource, "policies"):
        yield Pair("policy", listed(policies), live.policy or NONE)


def volume_pairs(resource: TerraformResource, live: Volume) -> Iterator[Pair]:
    """A volume. `size` in GiB."""
    yield from plain(resource, "name", live.name)
    yield from plain(resource, "size", live.size_gib)
    if text(resource, "volume_type"):
        yield from plain(resource, "volume_type", live.volume_type)
    if text(resource, "availability_zone"):
        yield from plain(resource, "availability_zone", live.availability_zone)
