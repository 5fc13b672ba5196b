"""OpenStackMachine and OpenStackMachineTemplate specs from what the servers are made of.

Source of the fields: cluster-api-provider-openstack v0.14.7, api/v1beta1 (OpenStackMachineSpec, PortOpts).
Never set: `providerID` (CAPO fills it), tags and trunk (CAPO would rewrite what the ports have).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from replank.domain.provider_id import parse_provider_id
from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.openstack import AddressPair
from replank.migrations.takeover.adoptees import Adoptee
from replank.migrations.takeover.likeness import most_common
from replank.migrations.takeover.openstack.shape import ZONE_OF_MACHINE, PortShape, RootVolume, ServerShape

CLOUD_NAME = "openstack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Where CAPO finds the credential: a Secret, or the OpenStackClusterIdentity `name`. `cloud`: in its
    clouds.yaml. `region`: "" = none is named, so providerIDs carry none."""

    name: str
    type: Literal["Secret", "ClusterIdentity"] = "Secret"
    cloud: str = CLOUD_NAME
    region: str = ""

    def for_cluster(self) -> dict[str, JSON]:
        """`identityRef` of the OpenStackCluster: without a region, or CAPO would put it into providerIDs."""
        return {"type": self.type, "name": self.name, "cloudName": self.cloud}


def region_of(adoptees: Sequence[Adoptee]) -> str:
    """The region in the Nodes' providerIDs, "" if they carry none.

    CAPO computes `openstack://<identityRef.region of the OpenStackMachine>/<uuid>` (v0.14.7,
    openstackmachine_controller.go), and Cluster API compares it with the Node's, character by character.
    """
    told = [parsed.region for a in adoptees if (parsed := parse_provider_id(a.node.provider_id)) is not None]
    return most_common(told, "")


def machine_spec(shape: ServerShape, ports: Sequence[PortShape], identity: Identity) -> dict[str, JSON]:
    """A spec of `shape` with `ports` (the template's, or those a machine really has)."""
    spec: dict[str, JSON] = {}
    if shape.flavor_id:
        spec["flavorID"] = shape.flavor_id
    elif shape.flavor:
        spec["flavor"] = shape.flavor
    if shape.image_id:
        spec["image"] = {"id": shape.image_id}
    elif shape.image_filter:
        spec["image"] = {"filter": {"name": shape.image_filter}}
    if shape.root_volume:
        spec["rootVolume"] = _root_volume(shape.root_volume)
    if shape.key_name:
        spec["sshKeyName"] = shape.key_name
    spec["configDrive"] = shape.config_drive
    if shape.server_group_id:
        spec["serverGroup"] = {"id": shape.server_group_id}
    spec["ports"] = [_port(port) for port in ports]
    if identity.region:
        spec["identityRef"] = {**identity.for_cluster(), "region": identity.region}
    return spec


def missing_for_spec(shape: ServerShape) -> tuple[str, ...]:
    """What CAPO requires and the facts do not tell."""
    missing = []
    if not shape.flavor_id and not shape.flavor:
        missing.append("flavor")
    if not shape.image_id and not shape.image_filter:
        missing.append("image")
    if not shape.ports:
        missing.append("ports")
    return tuple(missing)


def _root_volume(volume: RootVolume) -> dict[str, JSON]:
    spec: dict[str, JSON] = {"sizeGiB": volume.size_gib}
    if volume.type:
        spec["type"] = volume.type
    if volume.zone == ZONE_OF_MACHINE:
        spec["availabilityZone"] = {"from": "Machine"}
    elif volume.zone:
        spec["availabilityZone"] = {"from": "Name", "name": volume.zone}
    return spec


def _port(port: PortShape) -> dict[str, JSON]:
    spec: dict[str, JSON] = {"network": {"id": port.network_id}}
    if port.suffix:
        spec["nameSuffix"] = port.suffix
    if port.subnet_ids:
        spec["fixedIPs"] = [{"subnet": {"id": subnet}} for subnet in port.subnet_ids]
    if not port.port_security:
        # CAPO refuses groups on such a port, and Neutron refuses pairs.
        spec["disablePortSecurity"] = True
    else:
        if not port.network_port_security:
            spec["disablePortSecurity"] = False
        if port.security_group_ids:
            spec["securityGroups"] = [{"id": group} for group in port.security_group_ids]
        if port.pairs:
            spec["allowedAddressPairs"] = [_pair(pair) for pair in port.pairs]
    if port.vnic_type != "normal":
        spec["vnicType"] = port.vnic_type
    profile = _profile(port)
    if profile:
        spec["profile"] = dict(profile)
    return spec


def _pair(pair: AddressPair) -> JSON:
    entry: dict[str, JSON] = {"ipAddress": pair.address}
    return entry | ({"macAddress": pair.mac} if pair.mac else {})


def _profile(port: PortShape) -> Mapping[str, JSON]:
    wanted = {"ovsHWOffload": port.hw_offload, "trustedVF": port.trusted}
    return {key: True for key, value in wanted.items() if value}
