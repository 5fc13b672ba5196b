"""What a server is made of, as far as CAPO can make another one like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from replank.inventory.facts.openstack import AddressPair, Port, Server, Volume
from replank.inventory.fleet.model import NewMachines
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.likeness import agreed
from replank.migrations.takeover.openstack.names import own_suffixes
from replank.migrations.takeover.seen import Cloud

ZONE_OF_MACHINE = "zone of the machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortShape:
    """A port without its identity. `pairs`: allowed address pairs. `suffix`: "" = CAPO's index."""

    network_id: str
    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    pairs: tuple[AddressPair, ...] = ()
    port_security: bool = True
    network_port_security: bool = True
    vnic_type: str = "normal"
    hw_offload: bool = False
    trusted: bool = False
    trunk: bool = False
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootVolume:
    """The volume a server boots from. `zone`: volume zone, `ZONE_OF_MACHINE` where it is the server's."""

    size_gib: int
    type: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerShape:
    """A server without its identity and place. `image_filter`, `flavor`: names, used where no ID is known."""

    flavor_id: str = ""
    flavor: str = ""
    image_id: str = ""
    image_filter: str = ""
    root_volume: RootVolume | None = None
    key_name: str = ""
    config_drive: bool = False
    server_group_id: str = ""
    ports: tuple[PortShape, ...] = ()


def shape_of(adoptee: Adoptee, cloud: Cloud, suffixes: Sequence[str] = ()) -> ServerShape:
    """The shape of one machine as it runs."""
    server = adoptee.server
    root = root_volume_of(server, cloud)
    flavor_id = server.flavor_id or next((f.id for f in cloud.flavors if f.name == server.flavor), "")
    return ServerShape(
        flavor_id=flavor_id,
        flavor="" if flavor_id else server.flavor,
        image_id=server.image_id or (root.image_id if root else ""),
        root_volume=_root_shape(root, server) if root else None,
        key_name=server.key_name,
        config_drive=server.config_drive,
        server_group_id=min(server_groups_of(server, cloud), default=""),
        ports=tuple(
            _port_shape(port, cloud, suffixes[index] if suffixes else "")
            for index, port in enumerate(adoptee.ports)
        ),
    )


def server_groups_of(server: Server, cloud: Cloud) -> tuple[str, ...]:
    """IDs of the server groups the server is in, as server and group tell."""
    told = {g.id for g in cloud.server_groups if server.id in g.member_ids}
    return tuple(sorted(told | set(server.server_group_ids)))


def root_volume_of(server: Server, cloud: Cloud) -> Volume | None:
    """The volume that the server boots from; None where it boots from an image."""
    if server.image_id:
        return None
    attached = [v for v in cloud.volumes_of(server.id) if v.bootable]
    return min(attached, key=lambda v: (_device(v, server), v.id), default=None)


def data_volumes_of(server: Server, cloud: Cloud) -> tuple[Volume, ...]:
    """Attached volumes beside the root volume and those of the CSI driver."""
    root = root_volume_of(server, cloud)
    return tuple(v for v in cloud.volumes_of(server.id) if v != root and not v.csi_cluster)


def shared_suffixes(adoptees: Sequence[Adoptee]) -> tuple[str, ...]:
    """Name suffixes that all machines' ports already have, for machines with several ports; else empty.

    With several ports a suffix ties a port to its network by name instead of by its place in the list, and
    no port needs another name. One port, or ports called by CAPO's own index, need none.
    """
    found = {own_suffixes(a.name, a.ports) for a in adoptees}
    if len(found) != 1:
        return ()
    suffixes = found.pop()
    plain = tuple(str(index) for index in range(len(suffixes)))
    return suffixes if len(suffixes) > 1 and suffixes != plain else ()


def template_of(shapes: Sequence[ServerShape], lead: int) -> ServerShape:
    """What most of the machines have, field by field; address pairs only where all of them have them.

    `lead`: index of the machine that decides where the halves are equal.
    """
    ports = agreed([_without_pairs(s.ports) for s in shapes], lead)
    alike = [s.ports for s in shapes if _without_pairs(s.ports) == ports]
    with_pairs = tuple(
        replace(port, pairs=_common_pairs([p[index] for p in alike])) for index, port in enumerate(ports)
    )
    flavor = agreed([(s.flavor_id, s.flavor) for s in shapes], lead)
    return ServerShape(
        flavor_id=flavor[0],
        flavor=flavor[1],
        image_id=agreed([s.image_id for s in shapes], lead),
        root_volume=agreed([s.root_volume for s in shapes], lead),
        key_name=agreed([s.key_name for s in shapes], lead),
        config_drive=agreed([s.config_drive for s in shapes], lead),
        server_group_id=agreed([s.server_group_id for s in shapes], lead),
        ports=with_pairs,
    )


def made_of(shape: ServerShape, new: NewMachines, cloud: Cloud) -> ServerShape:
    """The shape with what the operator wants new machines to be made of; names become IDs where known."""
    if new.image:
        found = {i.id for i in cloud.images if new.image in (i.id, i.name)}
        # Two images of one name: CAPO would refuse the filter as well, so the audit has to say it, not we.
        shape = (
            replace(shape, image_id=found.pop(), image_filter="")
            if len(found) == 1
            else replace(shape, image_id="", image_filter=new.image)
        )
    if new.flavor:
        flavors = {f.id for f in cloud.flavors if new.flavor in (f.id, f.name)}
        shape = (
            replace(shape, flavor_id=flavors.pop(), flavor="")
            if len(flavors) == 1
            else replace(shape, flavor_id="", flavor=new.flavor)
        )
    return replace(shape, key_name=new.ssh_key) if new.ssh_key else shape


def _device(volume: Volume, server: Server) -> str:
    return next((a.device for a in volume.attachments if a.server_id == server.id), "")


def _root_shape(volume: Volume, server: Server) -> RootVolume:
    same = bool(volume.availability_zone) and volume.availability_zone == server.availability_zone
    return RootVolume(
        size_gib=volume.size_gib,
        type=volume.volume_type,
        zone=ZONE_OF_MACHINE if same else volume.availability_zone,
    )


def _port_shape(port: Port, cloud: Cloud, suffix: str) -> PortShape:
    network = next((n for n in cloud.networks if n.id == port.network_id), None)
    capabilities = port.profile.get("capabilities")
    return PortShape(
        network_id=port.network_id,
        subnet_ids=tuple(sorted(fixed.subnet_id for fixed in port.fixed_ips)),
        security_group_ids=tuple(sorted(port.security_group_ids)),
        pairs=tuple(
            sorted(
                (replace(p, mac="") if p.mac == port.mac else p for p in port.allowed_address_pairs),
                key=lambda p: (p.address, p.mac),
            )
        ),
        port_security=port.port_security,
        network_port_security=network.port_security if network else True,
        vnic_type=port.vnic_type or "normal",
        hw_offload=isinstance(capabilities, list) and "switchdev" in capabilities,
        trusted=str(port.profile.get("trusted", "")).lower() == "true",
        trunk=bool(port.trunk_id),
        suffix=suffix,
    )


def _without_pairs(ports: tuple[PortShape, ...]) -> tuple[PortShape, ...]:
    return tuple(replace(port, pairs=()) for port in ports)


def _common_pairs(ports: Sequence[PortShape]) -> tuple[AddressPair, ...]:
    common = set(ports[0].pairs).intersection(*(port.pairs for port in ports[1:])) if ports else set()
    return tuple(sorted(common, key=lambda p: (p.address, p.mac)))
