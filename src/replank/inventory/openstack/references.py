"""What a Terraform resource names in OpenStack.

The form of each ID is that of terraform-provider-openstack 1.x to 3.x: a router interface's ID is the port's,
an associated floating IP's is the floating IP's, `compute_volume_attach_v2` is `<server>/<volume>`,
`compute_interface_attach_v2` is `<server>/<port>`, `compute_floatingip_associate_v2` is
`<address>/<server>/<fixed IP>`, and `lb_members_v2` has the ID of its pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.terraform import TerraformResource

PREFIX: Final = "openstack_"

# Resource type without prefix -> kind of the thing that its whole ID names. Keypairs are left out: Nova shows
# nobody the keypairs of another user, so one that is not seen may well be there.
WHOLE_ID: Final[Mapping[str, str]] = {
    "compute_instance_v2": "server",
    "compute_servergroup_v2": "server_group",
    "compute_flavor_v2": "flavor",
    "compute_secgroup_v2": "security_group",
    "compute_floatingip_v2": "floating_ip",
    "compute_interface_attach_v2": "interface",
    "images_image_v2": "image",
    "networking_network_v2": "network",
    "networking_subnet_v2": "subnet",
    "networking_port_v2": "port",
    "networking_router_v2": "router",
    "networking_router_interface_v2": "port",
    "networking_floatingip_v2": "floating_ip",
    "networking_floatingip_associate_v2": "floating_ip",
    "networking_secgroup_v2": "security_group",
    "networking_secgroup_rule_v2": "security_group_rule",
    "networking_trunk_v2": "trunk",
    "blockstorage_volume_v1": "volume",
    "blockstorage_volume_v2": "volume",
    "blockstorage_volume_v3": "volume",
    "lb_loadbalancer_v2": "load_balancer",
    "lb_listener_v2": "listener",
    "lb_pool_v2": "pool",
    "lb_members_v2": "pool",
    "lb_member_v2": "member",
    "lb_monitor_v2": "monitor",
}
# Attribute of a resource -> kind of the thing that it names.
MENTIONS: Final[Mapping[str, str]] = {
    "network_id": "network",
    "external_network_id": "network",
    "external_gateway": "network",
    "subnet_id": "subnet",
    "router_id": "router",
    "vip_network_id": "network",
    "vip_subnet_id": "subnet",
    "vip_port_id": "port",
    "flavor_id": "flavor",
    "image_id": "image",
}


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One thing in OpenStack that a state names. `kind`: as in `WHOLE_ID`, or attachment, address."""

    kind: str
    id: str


def named_by(resource: TerraformResource) -> tuple[Reference, ...]:
    """What a resource *is*: things that must exist if the state is right. Empty for other providers."""
    kind = resource.type.removeprefix(PREFIX)
    if not resource.type.startswith(PREFIX) or not resource.id:
        return ()
    if kind in WHOLE_ID:
        return (Reference(WHOLE_ID[kind], resource.id),)
    first, *rest = resource.id.split("/")
    if kind == "compute_volume_attach_v2":
        volume = text(resource, "volume_id") or "".join(rest)
        return (Reference("attachment", f"{first}/{volume}"),)
    if kind.startswith("blockstorage_volume_attach_"):
        return (Reference("volume", first),)
    if kind == "compute_floatingip_associate_v2":
        return (Reference("address", first),)
    return ()


def mentioned_by(resource: TerraformResource) -> Iterator[Reference]:
    """What a resource points at, its own things included."""
    for own in named_by(resource):
        if own.kind in ("interface", "attachment"):
            server, _, other = own.id.partition("/")
            yield Reference("server", server)
            yield Reference("port" if own.kind == "interface" else "volume", other)
        else:
            yield own
    for name, kind in MENTIONS.items():
        if value := text(resource, name):
            yield Reference(kind, value)
    for network in blocks(resource, "network"):
        yield from _of_block(network, {"uuid": "network", "port": "port"})
    for device in blocks(resource, "block_device"):
        source = str(device.get("source_type") or "")
        if source in ("image", "volume"):
            yield from _of_block(device, {"uuid": source})
    for hint in blocks(resource, "scheduler_hints"):
        yield from _of_block(hint, {"group": "server_group"})
    for group in texts(resource, "all_security_group_ids"):
        yield Reference("security_group", group)


def elsewhere(resource: TerraformResource, region: str, project_id: str) -> bool:
    """True if the state itself says that the resource is in another region or project: not looked for."""
    own_region, own_project = text(resource, "region"), text(resource, "tenant_id")
    return bool(
        (own_region and region and own_region != region)
        or (own_project and project_id and own_project.replace("-", "") != project_id.replace("-", ""))
    )


def text(resource: TerraformResource, name: str) -> str:
    """A text attribute; "" where it is absent, null or of another type."""
    value = resource.attributes.get(name)
    return value if isinstance(value, str) else ""


def texts(resource: TerraformResource, name: str) -> tuple[str, ...]:
    """A list of texts, in the state's order."""
    value = resource.attributes.get(name)
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def blocks(resource: TerraformResource, name: str) -> tuple[Mapping[str, JSON], ...]:
    """The nested blocks of an attribute."""
    value = resource.attributes.get(name)
    return tuple(v for v in value if isinstance(v, dict)) if isinstance(value, list) else ()


def references_of(resources: Iterable[TerraformResource]) -> frozenset[Reference]:
    """Everything that these resources point at."""
    return frozenset(reference for resource in resources for reference in mentioned_by(resource))


def _of_block(block: Mapping[str, JSON], kinds: Mapping[str, str]) -> Iterator[Reference]:
    for name, kind in kinds.items():
        value = block.get(name)
        if isinstance(value, str) and value:
            yield Reference(kind, value)
