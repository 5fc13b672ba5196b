"""What CAPO makes of an OpenStackMachine's spec, by ID where it names one.

Source: cluster-api-provider-openstack v0.14.7, api/v1beta1 (OpenStackMachineSpec, PortOpts, filters),
controllers/openstackmachine_controller.go (openStackMachineSpecToOpenStackServerSpec,
getManagedSecurityGroup) and pkg/cloud/services/networking/port.go (ConstructPorts).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from replank.domain.unknown import Fact, Unknown
from replank.inventory.cluster_api.object_meta import part
from replank.inventory.facts.openstack import OpenStackFacts
from replank.verify.reality import server as real
from replank.verify.reality.trait import FLAVOR, GROUPS, IMAGE, PORTS, ROOT, SERVER_GROUP, ZONE, Makeup, Trait

Spec = Mapping[str, Any]


class _Named(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a spec is made a server. `zones`: failure domains that may be chosen, () = Nova chooses.
    `infrastructure`: the OpenStackCluster. `control_plane`: whose managed security group."""

    cloud: OpenStackFacts
    infrastructure: Mapping[str, Any] | None
    control_plane: bool
    zones: tuple[str, ...] = ()


def as_declared(spec: Spec, place: Place) -> Makeup:
    """Of a spec (OpenStackMachine's, or the template's)."""
    ports = _ports(spec, place)
    return {
        FLAVOR: _flavor(spec, place.cloud),
        IMAGE: _image(part(spec, "image"), place.cloud),
        ROOT: real.volume(int(part(spec, "rootVolume").get("sizeGiB") or 0)),
        PORTS: ports if isinstance(ports, Unknown) else _networks(ports, place.cloud),
        GROUPS: ports if isinstance(ports, Unknown) else _groups(ports, place.cloud),
        SERVER_GROUP: _server_group(part(spec, "serverGroup"), place.cloud),
        ZONE: _zone(place),
    }


def _flavor(spec: Spec, cloud: OpenStackFacts) -> Fact[Trait]:
    if isinstance(cloud.flavors, Unknown):
        return cloud.flavors
    wanted = str(spec.get("flavorID") or "")
    found = [f.name for f in cloud.flavors if (f.id == wanted if wanted else f.name == spec.get("flavor"))]
    called = wanted or str(spec.get("flavor") or "")
    if not found:
        return Trait(called or "none", frozenset({called}), absent=f"flavor {called}")
    return Trait(found[0], frozenset({found[0]}))


def _image(wanted: Spec, cloud: OpenStackFacts) -> Fact[Trait]:
    if reference := part(wanted, "imageRef"):
        return Unknown(f"the image is that of ORC's Image {reference.get('name')}")
    if isinstance(cloud.images, Unknown):
        return cloud.images
    there = {image.id for image in cloud.images if image.status in ("active", "")}
    if image_id := str(wanted.get("id") or ""):
        trait = real.image(image_id, cloud)
        return trait if image_id in there else replace(trait, absent=f"image {trait.text}")
    filtered = part(wanted, "filter")
    name = str(filtered.get("name") or "")
    if not name or filtered.get("tags"):
        return Unknown("the image is chosen by tags")
    found = sorted(i.id for i in cloud.images if i.name == name and i.id in there)
    absent = "" if len(found) == 1 else f"one image called {name} (there are {len(found)})"
    return Trait(name, frozenset(found or (name,)), chosen=True, absent=absent)


@dataclass(frozen=True, slots=True)
class _Port:
    """`groups` None: no port security."""

    network: str
    groups: tuple[str, ...] | None


def _ports(spec: Spec, place: Place) -> Fact[tuple[_Port, ...]]:
    found: list[_Port] = []
    wanted: list[Spec] = list(spec.get("ports") or ()) or [{}]
    for port in wanted:
        made = _port(port, spec, place)
        if isinstance(made, Unknown):
            return made
        found.append(made)
    return tuple(found)


def _port(port: Spec, spec: Spec, place: Place) -> Fact[_Port]:
    cloud = place.cloud
    network = _one(port.get("network"), cloud.networks, "network") if port.get("network") else None
    if network is None:
        network = str(part(place.infrastructure, "status", "network").get("id") or "") or Unknown(
            "the OpenStackCluster tells no network"
        )
    if isinstance(network, Unknown):
        return network
    if port.get("disablePortSecurity"):
        return _Port(network, None)
    named: list[Spec] = list(port.get("securityGroups") or ())
    managed = "controlPlaneSecurityGroup" if place.control_plane else "workerSecurityGroup"
    own = part(place.infrastructure, "status", managed).get("id")
    if not named and own and part(place.infrastructure, "spec").get("managedSecurityGroups") is not None:
        named = [{"id": own}]
    # Neutron gives a port for which nobody names a group the project's own default group.
    named = [*named, *(spec.get("securityGroups") or ())] or [{"filter": {"name": "default"}}]
    groups = []
    for group in named:
        found = _one(group, cloud.security_groups, "security group")
        if isinstance(found, Unknown):
            return found
        groups.append(found)
    return _Port(network, tuple(dict.fromkeys(groups)))


def _one(wanted: Any, listing: Fact[tuple[Any, ...]], noun: str) -> Fact[str]:
    """The ID that a parameter of CAPO's (`id`, or a filter by name) names."""
    if found := part(wanted).get("id"):
        return str(found)
    if isinstance(listing, Unknown):
        return listing
    name = part(wanted, "filter").get("name")
    named = [each.id for each in listing if name and each.name == name]
    if len(named) != 1:
        return Unknown(f"{noun} {dict(part(wanted, 'filter'))} is not one of the project's by its name")
    return str(named[0])


def _networks(ports: Sequence[_Port], cloud: OpenStackFacts) -> Trait:
    trait = real.networks((port.network for port in ports), cloud)
    return replace(trait, absent=_absent((p.network for p in ports), cloud.networks, "network"))


def _groups(ports: Sequence[_Port], cloud: OpenStackFacts) -> Trait:
    trait = real.security_groups(((p.network, p.groups) for p in ports), cloud)
    ids = (group for port in ports for group in port.groups or ())
    return replace(trait, absent=_absent(ids, cloud.security_groups, "security group"))


def _absent(ids: Iterable[str], listing: Fact[tuple[Any, ...]], noun: str) -> str:
    if isinstance(listing, Unknown):
        return ""
    there = {each.id for each in listing}
    gone = sorted({found for found in ids if found not in there})
    return f"{noun} {', '.join(gone)}" if gone else ""


def _server_group(wanted: Spec, cloud: OpenStackFacts) -> Fact[Trait]:
    if not wanted:
        return real.server_group((), cloud)
    found = _one(wanted, cloud.server_groups, "server group")
    if isinstance(found, Unknown):
        return found
    trait = real.server_group((found,), cloud)
    return replace(trait, absent=_absent((found,), cloud.server_groups, "server group"))


def _zone(place: Place) -> Trait:
    if not place.zones:
        return Trait("Nova chooses", chosen=True)
    text = place.zones[0] if len(place.zones) == 1 else f"one of {', '.join(place.zones)}"
    zones, absent = place.cloud.zones, ""
    if not isinstance(zones, Unknown):
        there = {zone.name for zone in zones if zone.service == "compute"}
        gone = [zone for zone in place.zones if zone not in there]
        absent = f"zone {', '.join(gone)}" if gone else ""
    return Trait(text, frozenset(place.zones), absent=absent)
