"""The live OpenStack project, or the part of it that belongs to one cluster.

Names and values are those of the OpenStack APIs (Nova 2.1 microversions, Neutron v2.0, Octavia v2, Glance v2,
Cinder v3). User data, metadata values outside the allow-list and passwords have no field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replank.domain.unknown import Fact
from replank.inventory.facts.json_value import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """An address of a server as Nova lists it. `kind`: fixed or floating. `version`: 4 or 6."""

    network: str
    address: str
    version: int = 4
    kind: str = "fixed"
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Nova server.

    `image_id` is "" when booted from a volume. `flavor` is the flavor's name, `flavor_id` its ID where the
    API told one. `metadata`: allow-listed keys only (roles). `attached_volumes`: volume IDs.
    `key_name`: keypair. `locked`: Nova lock. `server_group_ids`: groups it is a member of.
    """

    id: str
    name: str
    status: str
    flavor: str = ""
    flavor_id: str = ""
    image_id: str = ""
    availability_zone: str = ""
    key_name: str = ""
    addresses: tuple[ServerAddress, ...] = ()
    security_groups: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    attached_volumes: tuple[str, ...] = ()
    server_group_ids: tuple[str, ...] = ()
    config_drive: bool = False
    locked: bool = False
    host_name: str = ""
    task_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedIP:
    """One address of a port."""

    address: str
    subnet_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPair:
    """An allowed address pair. `mac` is "" when it is the port's own."""

    address: str
    mac: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A Neutron port. `name` is "" for ports that Nova made."""

    id: str
    name: str
    network_id: str
    status: str = ""
    admin_state_up: bool = True
    device_id: str = ""
    device_owner: str = ""
    mac: str = ""
    fixed_ips: tuple[FixedIP, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    port_security: bool = True
    vnic_type: str = "normal"
    profile: Mapping[str, JSON] = field(default_factory=dict)
    trunk_id: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A Neutron network. `external`: router:external. `project_id` tells shared ones from own ones."""

    id: str
    name: str
    external: bool = False
    shared: bool = False
    mtu: int | None = None
    port_security: bool = True
    project_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """A Neutron subnet. `ip_version`: 4 or 6."""

    id: str
    name: str
    network_id: str
    cidr: str
    ip_version: int = 4
    gateway: str = ""
    dns_servers: tuple[str, ...] = ()
    dhcp: bool = True
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A Neutron router with the subnets that it joins. `external_network_id` is "" without a gateway."""

    id: str
    name: str
    external_network_id: str = ""
    interface_subnet_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatingIP:
    """A floating IP and where it leads."""

    id: str
    address: str
    network_id: str
    port_id: str = ""
    fixed_ip: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroupRule:
    """One rule. Ports None = all. `remote_ip`: CIDR; `remote_group_id`: another group."""

    id: str
    direction: str
    ethertype: str = "IPv4"
    protocol: str = ""
    port_min: int | None = None
    port_max: int | None = None
    remote_ip: str = ""
    remote_group_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """A Neutron security group with its rules."""

    id: str
    name: str
    rules: tuple[SecurityGroupRule, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeAttachment:
    """A volume on a server, as Cinder tells it."""

    server_id: str
    device: str = ""
    attachment_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A Cinder volume. `size_gib` in GiB. `image_id`: the image it was made from, "" if none."""

    id: str
    name: str
    status: str
    size_gib: int
    volume_type: str = ""
    availability_zone: str = ""
    bootable: bool = False
    image_id: str = ""
    attachments: tuple[VolumeAttachment, ...] = ()
    delete_on_termination: bool | None = None
    csi_cluster: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerGroup:
    """A Nova server group."""

    id: str
    name: str
    policy: str = ""
    member_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthMonitor:
    """An Octavia health monitor. `delay` and `timeout` in seconds."""

    id: str
    name: str
    type: str
    delay: int
    timeout: int
    max_retries: int
    max_retries_down: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolMember:
    """A member of an Octavia pool."""

    id: str
    name: str
    address: str
    protocol_port: int
    subnet_id: str = ""
    weight: int = 1
    operating_status: str = ""
    backup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """An Octavia pool with members and monitor."""

    id: str
    name: str
    protocol: str
    algorithm: str = ""
    members: tuple[PoolMember, ...] = ()
    monitor: HealthMonitor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An Octavia listener. `pool_id` is its default pool. Timeouts in milliseconds."""

    id: str
    name: str
    protocol: str
    protocol_port: int
    pool_id: str = ""
    allowed_cidrs: tuple[str, ...] = ()
    timeout_client_data_ms: int | None = None
    timeout_member_data_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancer:
    """An Octavia load balancer, whole."""

    id: str
    name: str
    vip_address: str
    vip_port_id: str = ""
    vip_subnet_id: str = ""
    vip_network_id: str = ""
    provider: str = ""
    flavor_id: str = ""
    provisioning_status: str = ""
    operating_status: str = ""
    listeners: tuple[Listener, ...] = ()
    pools: tuple[Pool, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A Nova flavor. `ram_mib`, `disk_gib`."""

    id: str
    name: str
    vcpus: int = 0
    ram_mib: int = 0
    disk_gib: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A Glance image. `status`: active, deactivated, ..."""

    id: str
    name: str
    status: str
    min_disk_gib: int = 0
    visibility: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityZone:
    """A zone of one service: compute, volume or network."""

    name: str
    service: str
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One quota of the project: `limit` -1 = unlimited."""

    resource: str
    limit: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingResource:
    """The state names it, the cloud answered that it does not exist."""

    address: str
    type: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """State and cloud disagree about one attribute of one resource. Texts are for people, secret-free."""

    address: str
    id: str
    attribute: str
    state: str
    live: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """Belongs to the cluster but stands in no state. `kind`: server, port, volume, load_balancer, ...

    `evidence`: why it is believed to belong to the cluster.
    """

    kind: str
    id: str
    name: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedResource:
    """A resource of this cluster that something outside it uses too."""

    kind: str
    id: str
    name: str
    shared_with: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Namesake:
    """A resource of the project outside this cluster that has a name by which CAPO looks up one of its own.

    `kind`: server (same name as a server of the cluster) or port (same name as one of the cluster's ports, or
    `<server>-<index>`, in the same network).
    """

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStackFacts:
    """The part of one OpenStack project that belongs to one cluster (transports return the whole project).

    `cloud`: name in clouds.yaml. `identity`: user, project and roles of the credential survey used
    (names, no secrets). Lists are sorted by ID.
    """

    cloud: str
    region: str = ""
    project_id: str = ""
    project_name: str = ""
    roles: Fact[tuple[str, ...]] = ()
    servers: Fact[tuple[Server, ...]] = ()
    ports: Fact[tuple[Port, ...]] = ()
    networks: Fact[tuple[Network, ...]] = ()
    subnets: Fact[tuple[Subnet, ...]] = ()
    routers: Fact[tuple[Router, ...]] = ()
    floating_ips: Fact[tuple[FloatingIP, ...]] = ()
    security_groups: Fact[tuple[SecurityGroup, ...]] = ()
    volumes: Fact[tuple[Volume, ...]] = ()
    server_groups: Fact[tuple[ServerGroup, ...]] = ()
    load_balancers: Fact[tuple[LoadBalancer, ...]] = ()
    flavors: Fact[tuple[Flavor, ...]] = ()
    images: Fact[tuple[Image, ...]] = ()
    keypairs: Fact[tuple[str, ...]] = ()
    zones: Fact[tuple[AvailabilityZone, ...]] = ()
    quotas: Fact[tuple[Quota, ...]] = ()
    missing: tuple[MissingResource, ...] = ()
    differences: tuple[Difference, ...] = ()
    discovered: tuple[Discovered, ...] = ()
    shared: tuple[SharedResource, ...] = ()
    namesakes: tuple[Namesake, ...] = ()
