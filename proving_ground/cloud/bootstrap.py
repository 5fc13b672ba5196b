"""What an operator does once after installing OpenStack: users, roles, catalogue, a project, flavors, a
public network.

Everything is looked for before it is made, so that an interrupted run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from openstack.connection import Connection
from openstack.exceptions import ConflictException
from openstack.identity.v3._proxy import Proxy as Identity
from openstack.network.v2.network import Network

from proving_ground.cloud import ports
from proving_ground.cloud.configuration import REGION
from proving_ground.cloud.connect import PROJECT
from proving_ground.errors import GroundError
from proving_ground.settings import FLOATING_CIDR

CATALOGUE = {
    "compute": ("nova", "/v2.1"),
    "placement": ("placement", ""),
    "image": ("glance", ""),
    "network": ("neutron", ""),
    "load-balancer": ("octavia", ""),
}
"""Type -> service user, path of its endpoint."""

ROLES = ("service", "load-balancer_member", "load-balancer_admin", "load-balancer_observer")
IMPLIED = (
    ("member", "load-balancer_member"),
    ("reader", "load-balancer_observer"),
    ("admin", "load-balancer_admin"),
)
"""Octavia's own roles come with the general ones, as the deployment guides advise."""

PUBLIC = "public"
PUBLIC_SUBNET = "public-subnet"


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    ram_mib: int
    disk_gib: int = 20


FLAVORS = (Flavor("m1.control", 2, 2048), Flavor("m1.worker", 2, 1024), Flavor("m1.large", 2, 2048))


def identities(cloud: Connection, passwords: dict[str, str]) -> None:
    """Users, roles and the catalogue. `cloud`: admin's. Needs Keystone only."""
    identity = _identity(cloud)
    projects = {
        name: identity.find_project(name) or identity.create_project(name=name, domain_id="default")
        for name in ("service", PROJECT)
    }
    roles = {role.name: role for role in identity.roles()}
    for name in ROLES:
        if name not in roles:
            roles[name] = identity.create_role(name=name)
    for prior, implied in IMPLIED:
        answer = identity.put(f"/roles/{roles[prior].id}/implies/{roles[implied].id}")
        if answer.status_code not in (201, 409):
            raise GroundError("cloud-keystone", f"no implied role: {answer.text}", "Read its log.")
    wanted: list[tuple[str, str, tuple[str, ...]]] = [
        (user, "service", ("admin", "service")) for user, _path in CATALOGUE.values()
    ]
    wanted += [
        ("demo", PROJECT, ("member", "reader", "load-balancer_member")),
        ("reader", PROJECT, ("reader",)),
        ("admin", PROJECT, ("admin",)),
    ]
    for name, project, granted in wanted:
        user = identity.find_user(name) or identity.create_user(
            name=name, password=passwords[name], domain_id="default", default_project_id=projects[project].id
        )
        for role in granted:
            identity.assign_project_role_to_user(projects[project], user, roles[role])
    _catalogue(cloud)


def _identity(cloud: Connection) -> Identity:
    """The SDK knows two versions of Keystone's API; this cloud has the third."""
    proxy = cloud.identity
    assert isinstance(proxy, Identity)
    return proxy


def _catalogue(cloud: Connection) -> None:
    identity = _identity(cloud)
    services = {service.type: service for service in identity.services()}
    endpoints = {(endpoint.service_id, endpoint.interface) for endpoint in identity.endpoints()}
    for kind, (name, path) in CATALOGUE.items():
        service = services.get(kind) or identity.create_service(type=kind, name=name)
        for interface in ("public", "internal", "admin"):
            if (service.id, interface) not in endpoints:
                identity.create_endpoint(
                    service_id=service.id, interface=interface, url=ports.url(name) + path, region_id=REGION
                )


def resources(cloud: Connection) -> None:
    """Flavors and the public network. `cloud`: admin's. Needs Nova's and Neutron's APIs."""
    there = {flavor.name for flavor in cloud.compute.flavors()}
    for flavor in FLAVORS:
        if flavor.name not in there:
            cloud.compute.create_flavor(
                name=flavor.name, vcpus=flavor.vcpus, ram=flavor.ram_mib, disk=flavor.disk_gib
            )
    network = cloud.network.find_network(PUBLIC) or _public_network(cloud)
    if cloud.network.find_subnet(PUBLIC_SUBNET) is None:
        cloud.network.create_subnet(
            name=PUBLIC_SUBNET, network_id=network.id, cidr=FLOATING_CIDR, ip_version=4, is_dhcp_enabled=False
        )


def _public_network(cloud: Connection) -> Network:
    """Makes it. Seen once on a cloud that was just up: 409, the physical network is in use, though nobody
    else makes one. Neutron begins a request anew where a transaction fails (neutron_lib.db.api,
    retry_db_errors), and then it may meet what its own first attempt stored."""
    try:
        return cloud.network.create_network(
            name=PUBLIC,
            is_router_external=True,
            provider_network_type="flat",
            provider_physical_network=PUBLIC,
        )
    except ConflictException:
        stored = cloud.network.find_network(PUBLIC)
        if stored is None:
            raise
        return stored
