"""Neutron: ports, networks, subnets, routers, floating IPs, security groups, zones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from replank.inventory.facts.openstack import (
    AddressPair,
    AvailabilityZone,
    FixedIP,
    FloatingIP,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from replank.transports.openstack.documents import (
    Document,
    flag,
    inner,
    integer,
    list_all,
    optional_integer,
    text,
    texts,
)

if TYPE_CHECKING:
    from openstack.proxy import Proxy


class _WithID(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_WithID)

# Owners of ports by which a router stands in a subnet: plain, distributed (DVR), highly available.
ROUTER_INTERFACE_OWNERS = frozenset(
    {
        "network:router_interface",
        "network:router_interface_distributed",
        "network:ha_router_replicated_interface",
    }
)


def list_ports(service: Proxy, scope: Mapping[str, str]) -> tuple[Port, ...]:
    """Ports that the project sees: its own, and those of others on its networks. `scope`: an
    administrator's look is narrowed to the project with it."""
    return _sorted(_port(d) for d in list_all(service, "/ports", "ports", params=scope))


def list_networks(service: Proxy) -> tuple[Network, ...]:
    """Networks that the project sees: its own, shared and external ones."""
    return _sorted(
        Network(
            id=str(d["id"]),
            name=text(d, "name"),
            external=flag(d, "router:external"),
            shared=flag(d, "shared"),
            mtu=optional_integer(d, "mtu"),
            port_security=flag(d, "port_security_enabled", True),
            project_id=text(d, "project_id") or text(d, "tenant_id"),
            subnet_ids=texts(d, "subnets"),
            tags=texts(d, "tags"),
        )
        for d in list_all(service, "/networks", "networks")
    )


def list_subnets(service: Proxy) -> tuple[Subnet, ...]:
    """Subnets that the project sees. The order of DNS servers is kept: it is their priority."""
    return _sorted(
        Subnet(
            id=str(d["id"]),
            name=text(d, "name"),
            network_id=str(d["network_id"]),
            cidr=str(d["cidr"]),
            ip_version=integer(d, "ip_version", 4),
            gateway=text(d, "gateway_ip"),
            dns_servers=tuple(str(s) for s in d.get("dns_nameservers") or ()),
            dhcp=flag(d, "enable_dhcp", True),
            tags=texts(d, "tags"),
        )
        for d in list_all(service, "/subnets", "subnets")
    )


def list_routers(service: Proxy, scope: Mapping[str, str]) -> tuple[Router, ...]:
    """Routers of the project. `with_interfaces` adds their subnets."""
    return _sorted(
        Router(
            id=str(d["id"]),
            name=text(d, "name"),
            external_network_id=text(inner(d, "external_gateway_info"), "network_id"),
            tags=texts(d, "tags"),
        )
        for d in list_all(service, "/routers", "routers", params=scope)
    )


def with_interfaces(routers: Sequence[Router], ports: Sequence[Port]) -> tuple[Router, ...]:
    """Routers with the subnets that their ports stand in; no listing of routers tells them."""
    subnets: dict[str, set[str]] = {}
    for port in ports:
        if port.device_owner in ROUTER_INTERFACE_OWNERS:
            subnets.setdefault(port.device_id, set()).update(ip.subnet_id for ip in port.fixed_ips)
    return tuple(replace(r, interface_subnet_ids=tuple(sorted(subnets.get(r.id, ())))) for r in routers)


def list_floating_ips(service: Proxy, scope: Mapping[str, str]) -> tuple[FloatingIP, ...]:
    """Floating IPs of the project."""
    return _sorted(
        FloatingIP(
            id=str(d["id"]),
            address=str(d["floating_ip_address"]),
            network_id=text(d, "floating_network_id"),
            port_id=text(d, "port_id"),
            fixed_ip=text(d, "fixed_ip_address"),
            status=text(d, "status"),
            tags=texts(d, "tags"),
        )
        for d in list_all(service, "/floatingips", "floatingips", params=scope)
    )


def list_security_groups(service: Proxy) -> tuple[SecurityGroup, ...]:
    """Security groups that the project sees, with their rules."""
    return _sorted(
        SecurityGroup(
            id=str(d["id"]),
            name=text(d, "name"),
            rules=_sorted(_rule(r) for r in d.get("security_group_rules") or ()),
            tags=texts(d, "tags"),
        )
        for d in list_all(service, "/security-groups", "security_groups")
    )


def list_zones(service: Proxy) -> tuple[AvailabilityZone, ...]:
    """Network zones; routers' zones are not ports' and are left out."""
    return tuple(
        AvailabilityZone(
            name=str(d["name"]), service="network", available=text(d, "state") in ("", "available")
        )
        for d in list_all(service, "/availability_zones", "availability_zones")
        if d.get("resource") == "network"
    )


def _port(document: Document) -> Port:
    fixed = (
        FixedIP(address=str(ip["ip_address"]), subnet_id=text(ip, "subnet_id"))
        for ip in document.get("fixed_ips") or ()
    )
    mac = text(document, "mac_address")
    return Port(
        id=str(document["id"]),
        name=text(document, "name"),
        network_id=str(document["network_id"]),
        status=text(document, "status"),
        admin_state_up=flag(document, "admin_state_up", True),
        device_id=text(document, "device_id"),
        device_owner=text(document, "device_owner"),
        mac=mac,
        fixed_ips=tuple(sorted(fixed, key=lambda ip: (ip.subnet_id, ip.address))),
        security_group_ids=texts(document, "security_groups"),
        allowed_address_pairs=_pairs(document, mac),
        port_security=flag(document, "port_security_enabled", True),
        vnic_type=text(document, "binding:vnic_type") or "normal",
        profile=dict(sorted(inner(document, "binding:profile").items())),
        trunk_id=text(inner(document, "trunk_details"), "trunk_id"),
        tags=texts(document, "tags"),
    )


def _pairs(document: Document, mac: str) -> tuple[AddressPair, ...]:
    """Neutron fills in the port's own MAC where a pair was given none."""
    pairs = (
        AddressPair(
            address=str(pair["ip_address"]),
            mac="" if text(pair, "mac_address").lower() == mac.lower() else text(pair, "mac_address"),
        )
        for pair in document.get("allowed_address_pairs") or ()
    )
    return tuple(sorted(pairs, key=lambda pair: (pair.address, pair.mac)))


def _rule(document: Document) -> SecurityGroupRule:
    return SecurityGroupRule(
        id=str(document["id"]),
        direction=text(document, "direction"),
        ethertype=text(document, "ethertype") or "IPv4",
        protocol=text(document, "protocol"),
        port_min=optional_integer(document, "port_range_min"),
        port_max=optional_integer(document, "port_range_max"),
        remote_ip=text(document, "remote_ip_prefix"),
        remote_group_id=text(document, "remote_group_id"),
    )


def _sorted(items: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(sorted(items, key=lambda item: item.id))
