"""What a server is made of, by what OpenStack says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from replank.domain.unknown import Fact, Unknown, known_or
from replank.inventory.facts.openstack import OpenStackFacts, Port, Server, Volume
from replank.verify.reality.trait import FLAVOR, GROUPS, IMAGE, PORTS, ROOT, SERVER_GROUP, ZONE, Makeup, Trait

OFF = "no port security"


def as_it_is(server: Server, cloud: OpenStackFacts) -> Makeup:
    """Of a server that runs."""
    root = _root(server, cloud)
    return {
        FLAVOR: _flavor(server, cloud),
        IMAGE: _image(server, root, cloud),
        ROOT: root if isinstance(root, Unknown) else volume(root.size_gib if root else 0),
        PORTS: _ports(server, cloud),
        GROUPS: _security_groups(server, cloud),
        SERVER_GROUP: _server_group(server, cloud),
        ZONE: Trait(server.availability_zone, frozenset({server.availability_zone})),
    }


def volume(size_gib: int) -> Trait:
    """Of a root volume; 0 = it boots from the image on the flavor's own disk."""
    return Trait(f"{size_gib} GiB" if size_gib else "none", frozenset({str(size_gib)}))


def networks(ids: Iterable[str], cloud: OpenStackFacts) -> Trait:
    """Of ports by their networks. Their order does not count."""
    wanted, names = sorted(ids), {n.id: n.name for n in known_or(cloud.networks, ())}
    return Trait(", ".join(names.get(i) or i for i in wanted) or "none", frozenset({" ".join(wanted)}))


def security_groups(ports: Iterable[tuple[str, Iterable[str] | None]], cloud: OpenStackFacts) -> Trait:
    """Of ports as (network ID, IDs of groups); None = the port has no port security."""
    names = {g.id: g.name for g in known_or(cloud.security_groups, ())}
    values, texts = [], []
    for network, groups in ports:
        ids = [OFF] if groups is None else sorted(groups)
        values.append(f"{network}: {' '.join(ids)}")
        texts.append(" + ".join(sorted(names.get(i) or i for i in ids)) or "none")
    text = ", ".join(dict.fromkeys(sorted(texts))) or "none"
    return Trait(text, frozenset({"; ".join(sorted(values))}))


def server_group(ids: Iterable[str], cloud: OpenStackFacts) -> Trait:
    """Of the server groups that a server is in."""
    wanted, names = sorted(ids), {g.id: g.name for g in known_or(cloud.server_groups, ())}
    return Trait(", ".join(names.get(i) or i for i in wanted) or "none", frozenset(wanted or ("",)))


def image(image_id: str, cloud: OpenStackFacts) -> Trait:
    """Of an image by its ID; one that Glance no longer lists keeps its ID as its name."""
    names = {i.id: i.name for i in known_or(cloud.images, ())}
    return Trait(names.get(image_id) or image_id, frozenset({image_id}))


def _flavor(server: Server, cloud: OpenStackFacts) -> Fact[Trait]:
    """By name: from 2.47 on Nova tells no ID with a server, and names are unique."""
    if server.flavor:
        return Trait(server.flavor, frozenset({server.flavor, server.flavor_id} - {""}))
    if isinstance(cloud.flavors, Unknown):
        return cloud.flavors
    name = next((f.name for f in cloud.flavors if f.id == server.flavor_id), server.flavor_id)
    return Trait(name, frozenset({name}))


def _root(server: Server, cloud: OpenStackFacts) -> Fact[Volume | None]:
    if server.image_id:
        return None
    if isinstance(cloud.volumes, Unknown):
        return cloud.volumes
    attached = [(a.device, v) for v in cloud.volumes for a in v.attachments if a.server_id == server.id]
    bootable = [(device, v.id, v) for device, v in attached if v.bootable]
    return min(bootable, key=lambda found: found[:2])[2] if bootable else None


def _image(server: Server, root: Fact[Volume | None], cloud: OpenStackFacts) -> Fact[Trait]:
    if server.image_id:
        return image(server.image_id, cloud)
    if isinstance(root, Unknown):
        return root
    if root is None or not root.image_id:
        return Unknown(f"nobody tells from which image the root volume of server {server.name} was made")
    return image(root.image_id, cloud)


def _ports_of(server: Server, cloud: OpenStackFacts) -> Fact[tuple[Port, ...]]:
    if isinstance(cloud.ports, Unknown):
        return cloud.ports
    return tuple(port for port in cloud.ports if port.device_id == server.id)


def _ports(server: Server, cloud: OpenStackFacts) -> Fact[Trait]:
    ports = _ports_of(server, cloud)
    return ports if isinstance(ports, Unknown) else networks((p.network_id for p in ports), cloud)


def _security_groups(server: Server, cloud: OpenStackFacts) -> Fact[Trait]:
    ports = _ports_of(server, cloud)
    if isinstance(ports, Unknown):
        return ports
    pairs = [(p.network_id, p.security_group_ids if p.port_security else None) for p in ports]
    return security_groups(pairs, cloud)


def _server_group(server: Server, cloud: OpenStackFacts) -> Fact[Trait]:
    if isinstance(cloud.server_groups, Unknown):
        return cloud.server_groups
    told = {g.id for g in cloud.server_groups if server.id in g.member_ids}
    return server_group(told | set(server.server_group_ids), cloud)


def texts(makeup: Makeup) -> Mapping[str, Fact[str]]:
    """What people read of each property."""
    return {name: fact if isinstance(fact, Unknown) else fact.text for name, fact in makeup.items()}
