"""How a server differs from the template of its group, and what the next rollout makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from replank.inventory.facts.openstack import Flavor, Image
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.openstack.shape import (
    PortShape,
    RootVolume,
    ServerShape,
    data_volumes_of,
    server_groups_of,
)
from replank.migrations.takeover.seen import Cloud
from replank.plan.takeover import GroupDifference


def server_differences(
    adoptee: Adoptee, shape: ServerShape, template: ServerShape, cloud: Cloud
) -> Iterator[GroupDifference]:
    """The differences that are OpenStack's. `template`: what new machines are made of."""
    yield from _scalars(adoptee.name, shape, template, cloud)
    yield from _ports(adoptee.name, shape, template)
    for volume in data_volumes_of(adoptee.server, cloud):
        yield GroupDifference(
            field="data volume",
            machine=adoptee.name,
            has=f"{volume.name or volume.id} ({volume.size_gib} GiB)",
            template="none",
            at_next_rollout="the new machine comes without this volume",
        )
    groups = server_groups_of(adoptee.server, cloud)
    if len(groups) > 1:
        yield GroupDifference(
            field="server group",
            machine=adoptee.name,
            has=", ".join(groups),
            template=template.server_group_id or "none",
            at_next_rollout="the new machine is a member of one server group only (CAPO knows one)",
        )


def _scalars(
    machine: str, shape: ServerShape, template: ServerShape, cloud: Cloud
) -> Iterator[GroupDifference]:
    pairs = (
        ("flavor", _flavor(shape, cloud), _flavor(template, cloud)),
        ("image", _image(shape, cloud), _image(template, cloud)),
        ("root volume", _volume(shape.root_volume), _volume(template.root_volume)),
        ("keypair", shape.key_name, template.key_name),
        ("config drive", _yes(shape.config_drive), _yes(template.config_drive)),
        ("server group", shape.server_group_id, template.server_group_id),
    )
    for field, has, wanted in pairs:
        if has != wanted:
            yield GroupDifference(
                field=field,
                machine=machine,
                has=has or "none",
                template=wanted or "none",
                at_next_rollout=f"the new machine has {field} {wanted or 'none'}",
            )


def _ports(machine: str, shape: ServerShape, template: ServerShape) -> Iterator[GroupDifference]:
    if len(shape.ports) != len(template.ports):
        yield GroupDifference(
            field="ports",
            machine=machine,
            has=f"{len(shape.ports)} ports",
            template=f"{len(template.ports)} ports",
            at_next_rollout=f"the new machine has {len(template.ports)} ports",
        )
        return
    for index, (port, wanted) in enumerate(zip(shape.ports, template.ports, strict=True)):
        yield from _port(machine, f"port {index}", port, wanted)


def _port(machine: str, where: str, port: PortShape, template: PortShape) -> Iterator[GroupDifference]:
    fields = (
        ("network", port.network_id, template.network_id),
        ("subnets", ", ".join(port.subnet_ids), ", ".join(template.subnet_ids)),
        ("security groups", ", ".join(port.security_group_ids), ", ".join(template.security_group_ids)),
        ("port security", _yes(port.port_security), _yes(template.port_security)),
        ("vNIC type", port.vnic_type, template.vnic_type),
        ("allowed address pairs", _pairs(port), _pairs(template)),
        ("hardware offload", _yes(port.hw_offload), _yes(template.hw_offload)),
        ("trusted virtual function", _yes(port.trusted), _yes(template.trusted)),
    )
    for field, has, wanted in fields:
        if has != wanted:
            yield GroupDifference(
                field=f"{where}: {field}",
                machine=machine,
                has=has or "none",
                template=wanted or "none",
                at_next_rollout=f"the new machine's port has {wanted or 'none'}",
            )
    if port.trunk:
        yield GroupDifference(
            field=f"{where}: trunk",
            machine=machine,
            has="trunk port",
            template="plain port",
            at_next_rollout="the new machine's port is no trunk (CAPO would rewrite the tags of an adopted "
            "one)",
        )
    if port.port_security and not port.security_group_ids:
        yield GroupDifference(
            field=f"{where}: security groups",
            machine=machine,
            has="port security without any group",
            template="no group named",
            at_next_rollout="the new machine's port gets Neutron's `default` group (CAPO cannot ask for "
            "none)",
        )


def _flavor(shape: ServerShape, cloud: Cloud) -> str:
    return _named(cloud.flavors, shape.flavor_id) or shape.flavor


def _image(shape: ServerShape, cloud: Cloud) -> str:
    return _named(cloud.images, shape.image_id) or shape.image_filter


def _named(things: Sequence[Flavor] | Sequence[Image], id_: str) -> str:
    """`name (ID)`: names are what people know, but images may share one."""
    name = next((thing.name for thing in things if thing.id == id_), "")
    return f"{name} ({id_})" if name else id_


def _pairs(port: PortShape) -> str:
    return ", ".join(f"{p.address}{f' via {p.mac}' if p.mac else ''}" for p in port.pairs)


def _volume(volume: RootVolume | None) -> str:
    if volume is None:
        return ""
    return " ".join(part for part in (f"{volume.size_gib} GiB", volume.type, volume.zone) if part)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
