"""One cluster drawn out: machines, names, addresses and IDs, before any document is written.

Every maker of documents (cloud, Kubernetes, hosts, state) reads the same layout, so that they hang together.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from replank.testbed.fleet.mint import Mint
from replank.testbed.fleet.pki import AGE
from replank.testbed.fleet.spec import BootKind, ClusterSpec, PortKind, WorkerGroup

REGION = "RegionOne"
ZONES = ("az1", "az2", "az3")
# flavor -> (vCPUs, RAM MiB, disk GiB)
FLAVORS = {
    "m1.medium": (2, 4096, 40),
    "m1.large": (4, 8192, 80),
    "m1.xlarge": (8, 16384, 160),
    "g1.gpu": (16, 65536, 200),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudLayout:
    """One OpenStack project, as a cloud of clouds.yaml."""

    name: str
    project_name: str
    project_id: str
    user_name: str
    mint: Mint

    def id(self, *path: object) -> str:
        """The UUID of a thing of the project, or of the cloud as a whole."""
        return self.mint.uuid("cloud", self.name, *path)

    def image_name(self, version: str) -> str:
        """The image with the Kubernetes packages of `version`."""
        return f"ubuntu-24.04-kube-{version}"

    def image_id(self, version: str) -> str:
        """Its ID."""
        return self.id("image", self.image_name(version))

    def flavor_id(self, flavor: str) -> str:
        """A flavor's ID."""
        return self.id("flavor", flavor)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLayout:
    """One machine: Nova server, port, Kubernetes Node and host.

    `index`: from 0 within its role or group. `group`: None for control planes. `port_name` is "" for a port
    that Nova made. `root_volume_id` is "" when booted from an image.
    """

    name: str
    index: int
    group: WorkerGroup | None
    server_id: str
    port_id: str
    port_name: str
    mac: str
    address: str
    zone: str
    flavor: str
    boot: BootKind
    ports: PortKind
    root_volume_id: str
    provider_id: str

    @property
    def control_plane(self) -> bool:
        """True for a control plane."""
        return self.group is None

    @property
    def docker(self) -> bool:
        """It runs Docker with cri-dockerd; all others run containerd."""
        return self.group is not None and self.index in self.group.docker

    @property
    def role(self) -> str:
        """`control-plane` or `worker`, as in names and metadata."""
        return "control-plane" if self.group is None else "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterLayout:
    """A cluster. `number`: its place in the fleet, from 0. `network`: its IPv4 network.

    `vip`: the control plane's endpoint address. `floating_ip`: of the endpoint, "" without one. `now`: UTC
    without tzinfo.
    """

    spec: ClusterSpec
    cloud: CloudLayout
    number: int
    now: datetime
    network: ipaddress.IPv4Network
    vip: str
    floating_ip: str
    machines: tuple[MachineLayout, ...]
    mint: Mint = field(repr=False)

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.spec.name

    @property
    def control_planes(self) -> tuple[MachineLayout, ...]:
        """Machines that run API server and etcd."""
        return tuple(m for m in self.machines if m.control_plane)

    @property
    def workers(self) -> tuple[MachineLayout, ...]:
        """The other machines."""
        return tuple(m for m in self.machines if not m.control_plane)

    @property
    def endpoint(self) -> str:
        """kubeadm's controlPlaneEndpoint."""
        return f"{self.vip}:6443"

    @property
    def floating_ip_base(self) -> ipaddress.IPv4Address:
        """The first of the cluster's eight floating IPs; it is the endpoint's where it has one."""
        return ipaddress.IPv4Address("198.18.0.16") + self.number * 8

    @property
    def cidr(self) -> str:
        """The cluster network's CIDR."""
        return str(self.network)

    @property
    def minor(self) -> int:
        """The Kubernetes minor version, 34 for v1.34.4."""
        return int(self.spec.version.split(".")[1])

    def id(self, *path: object) -> str:
        """The UUID of a thing of this cluster."""
        return self.mint.uuid("cluster", self.name, *path)

    def machine_id(self, machine: MachineLayout) -> str:
        """A machine's /etc/machine-id: a UUID without dashes (machine-id(5))."""
        return self.id("machine-id", machine.name).replace("-", "")

    def secret(self, *path: object) -> str:
        """A planted secret of this cluster."""
        return self.mint.secret("cluster", self.name, *path)

    def host(self, offset: int) -> str:
        """The address at `offset` in the cluster network."""
        return str(self.network[offset])

    def timestamp(self, offset_s: int = 0) -> str:
        """RFC 3339 UTC, `offset_s` seconds after the cluster was made (90 days before now)."""
        return (self.now - AGE + timedelta(seconds=offset_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


def lay_out_cloud(mint: Mint, name: str) -> CloudLayout:
    """The project behind a cloud of clouds.yaml."""
    return CloudLayout(
        name=name,
        project_name=f"{name}-kubernetes",
        project_id=mint.hex_id("project", name),
        user_name=f"{name}-operator",
        mint=mint,
    )


def lay_out(mint: Mint, now: datetime, number: int, spec: ClusterSpec, cloud: CloudLayout) -> ClusterLayout:
    """Draws one cluster. Its network is 10.20.<number>.0/24, the next 256 clusters use 10.21, and so on."""
    network = ipaddress.IPv4Network(f"10.{20 + number // 256}.{number % 256}.0/24")
    octavia_or_vip = spec.load_balancer != "none"
    vip = str(network[10]) if octavia_or_vip else str(network[11])
    floating = str(ipaddress.IPv4Address("198.18.0.16") + number * 8) if octavia_or_vip else ""
    return ClusterLayout(
        spec=spec,
        cloud=cloud,
        number=number,
        now=now,
        network=network,
        vip=vip,
        floating_ip=floating,
        machines=tuple(_machines(mint, spec, network)),
        mint=mint,
    )


def _machines(mint: Mint, spec: ClusterSpec, network: ipaddress.IPv4Network) -> Sequence[MachineLayout]:
    found = [
        _machine(mint, spec, None, index, str(network[11 + index])) for index in range(spec.control_planes)
    ]
    offset = 21
    for group in spec.workers:
        for index in range(group.count):
            found.append(_machine(mint, spec, group, index, str(network[offset])))
            offset += 1
    return found


def _machine(
    mint: Mint, spec: ClusterSpec, group: WorkerGroup | None, index: int, address: str
) -> MachineLayout:
    short = "cp" if group is None else group.name
    name = f"{spec.name}-{short}-{index + 1}"
    ports = (group.ports if group else None) or spec.ports
    boot = (group.boot if group else None) or spec.boot
    zones = group.zones if group else spec.control_plane_zones
    server_id = mint.uuid("cluster", spec.name, "server", name)
    return MachineLayout(
        name=name,
        index=index,
        group=group,
        server_id=server_id,
        port_id=mint.uuid("cluster", spec.name, "port", name),
        port_name=spec.port_name.format(server=name, index=index) if ports == "explicit" else "",
        mac=mint.mac("cluster", spec.name, "port", name),
        address=address,
        zone=zones[index % len(zones)],
        flavor=group.flavor if group else spec.control_plane_flavor,
        boot=boot,
        ports=ports,
        root_volume_id=mint.uuid("cluster", spec.name, "volume", name) if boot == "volume" else "",
        provider_id={
            "plain": f"openstack:///{server_id}",
            "regional": f"openstack://{REGION}/{server_id}",
            "empty": "",
        }[spec.provider_id],
    )
