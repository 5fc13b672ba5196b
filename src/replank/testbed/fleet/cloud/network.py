"""A cluster's network: network, subnet, router, DHCP, security groups, ports, floating IPs."""

from __future__ import annotations

from replank.testbed.fleet.layout import ZONES, ClusterLayout, MachineLayout
from replank.testbed.world import Document, Project

# (protocol, first port, last port, source): "self" = the cluster's own groups, else a CIDR.
_RULES: dict[str, tuple[tuple[str | None, int | None, int | None, str], ...]] = {
    "control-plane": (
        ("tcp", 22, 22, "cluster"),
        ("tcp", 6443, 6443, "any"),
        (None, None, None, "control-plane"),
        (None, None, None, "worker"),
    ),
    "worker": (
        ("tcp", 22, 22, "cluster"),
        ("tcp", 30000, 32767, "any"),
        (None, None, None, "control-plane"),
        (None, None, None, "worker"),
    ),
}
ROLES = tuple(_RULES)


def add_network(project: Project, layout: ClusterLayout) -> None:
    """Everything of Neutron but the load balancer's port."""
    network = project.collections["network"]
    network["networks"].append(_network(layout))
    network["subnets"].append(_subnet(layout))
    network["routers"].append(_router(layout))
    network["security_groups"] += [_group(layout, role) for role in ROLES]
    network["ports"] += [_gateway_port(layout), _dhcp_port(layout)]
    network["ports"] += [_machine_port(layout, machine) for machine in layout.machines]
    if layout.spec.load_balancer == "keepalived":
        network["ports"].append(vip_port(layout, f"{layout.name}-vip", ""))
    if layout.floating_ip:
        network["floatingips"].append(
            floating_ip(
                layout, layout.id("floatingip"), layout.floating_ip, layout.id("vip-port"), layout.vip
            )
        )


def floating_ip(layout: ClusterLayout, id: str, address: str, port_id: str, fixed: str) -> Document:
    """A floating IP that leads to `fixed` on `port_id`."""
    return {
        "id": id,
        "floating_ip_address": address,
        "floating_network_id": layout.cloud.id("network", "external"),
        "port_id": port_id,
        "fixed_ip_address": fixed,
        "router_id": layout.id("router"),
        "status": "ACTIVE",
        "project_id": layout.cloud.project_id,
        "description": f"api.{layout.name}",
        "tags": [],
    }


def security_group_id(layout: ClusterLayout, role: str) -> str:
    """ID of the group for `control-plane` or `worker`."""
    return layout.id("security-group", role)


def vip_port(layout: ClusterLayout, name: str, device: str) -> Document:
    """The port of the endpoint's address. `device`: the Octavia load balancer, "" for keepalived."""
    return _port(
        layout,
        id=layout.id("vip-port"),
        name=name,
        device_id=f"lb-{device}" if device else "",
        device_owner="Octavia" if device else "",
        address=layout.vip,
        groups=[] if device else [security_group_id(layout, "control-plane")],
        status="ACTIVE" if device else "DOWN",
        mac=layout.mint.mac("cluster", layout.name, "vip"),
    )


def _network(layout: ClusterLayout) -> Document:
    return {
        "id": layout.id("network"),
        "name": layout.name,
        "project_id": layout.cloud.project_id,
        "router:external": False,
        "shared": False,
        "mtu": 1450,
        "port_security_enabled": True,
        "subnets": [layout.id("subnet")],
        "status": "ACTIVE",
        "admin_state_up": True,
        "availability_zones": list(ZONES),
        "created_at": layout.timestamp(),
        "tags": [],
    }


def _subnet(layout: ClusterLayout) -> Document:
    return {
        "id": layout.id("subnet"),
        "name": f"{layout.name}-nodes",
        "network_id": layout.id("network"),
        "project_id": layout.cloud.project_id,
        "cidr": layout.cidr,
        "ip_version": 4,
        "gateway_ip": layout.host(1),
        "dns_nameservers": ["198.18.0.2"],
        "enable_dhcp": True,
        "allocation_pools": [{"start": layout.host(2), "end": layout.host(254)}],
        "host_routes": [],
        "tags": [],
    }


def _router(layout: ClusterLayout) -> Document:
    return {
        "id": layout.id("router"),
        "name": layout.name,
        "project_id": layout.cloud.project_id,
        "status": "ACTIVE",
        "admin_state_up": True,
        "external_gateway_info": {
            "network_id": layout.cloud.id("network", "external"),
            "enable_snat": True,
            "external_fixed_ips": [
                {
                    "subnet_id": layout.cloud.id("subnet", "external"),
                    "ip_address": f"198.19.{layout.number // 250}.{layout.number % 250 + 1}",
                }
            ],
        },
        "routes": [],
        "tags": [],
    }


def _group(layout: ClusterLayout, role: str) -> Document:
    id = security_group_id(layout, role)
    rules = [
        _rule(layout, role, direction="egress", ethertype=ethertype, key=f"egress-{ethertype}")
        for ethertype in ("IPv4", "IPv6")
    ]
    for index, (protocol, first, last, source) in enumerate(_RULES[role]):
        cidr = {"cluster": layout.cidr, "any": "0.0.0.0/0"}.get(source)
        rule = _rule(layout, role, direction="ingress", ethertype="IPv4", key=str(index))
        rule |= {
            "protocol": protocol,
            "port_range_min": first,
            "port_range_max": last,
            "remote_ip_prefix": cidr,
            "remote_group_id": None if cidr else security_group_id(layout, source),
        }
        rules.append(rule)
    return {
        "id": id,
        "name": f"{layout.name}-{role}",
        "description": f"Kubernetes {role}",
        "project_id": layout.cloud.project_id,
        "stateful": True,
        "tags": [],
        "security_group_rules": rules,
    }


def _rule(layout: ClusterLayout, role: str, *, direction: str, ethertype: str, key: str) -> Document:
    return {
        "id": layout.id("security-group-rule", role, key),
        "security_group_id": security_group_id(layout, role),
        "project_id": layout.cloud.project_id,
        "direction": direction,
        "ethertype": ethertype,
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "description": "",
    }


def _gateway_port(layout: ClusterLayout) -> Document:
    return _port(
        layout,
        id=layout.id("router-interface"),
        name="",
        device_id=layout.id("router"),
        device_owner="network:router_interface",
        address=layout.host(1),
        mac=layout.mint.mac("cluster", layout.name, "router"),
    )


def _dhcp_port(layout: ClusterLayout) -> Document:
    return _port(
        layout,
        id=layout.id("dhcp-port"),
        name="",
        device_id=f"dhcp{layout.id('dhcp-host')}-{layout.id('network')}",
        device_owner="network:dhcp",
        address=layout.host(2),
        mac=layout.mint.mac("cluster", layout.name, "dhcp"),
    )


def _machine_port(layout: ClusterLayout, machine: MachineLayout) -> Document:
    document = _port(
        layout,
        id=machine.port_id,
        name=machine.port_name,
        device_id=machine.server_id,
        device_owner=f"compute:{machine.zone}",
        address=machine.address,
        groups=[security_group_id(layout, machine.role)],
        mac=machine.mac,
    )
    if layout.spec.load_balancer == "keepalived" and machine.control_plane:
        document["allowed_address_pairs"] = [{"ip_address": layout.vip, "mac_address": machine.mac}]
    return document


def _port(
    layout: ClusterLayout,
    *,
    id: str,
    name: str,
    device_id: str,
    device_owner: str,
    address: str,
    mac: str,
    groups: list[str] | None = None,
    status: str = "ACTIVE",
) -> Document:
    return {
        "id": id,
        "name": name,
        "network_id": layout.id("network"),
        "project_id": layout.cloud.project_id,
        "status": status,
        "admin_state_up": True,
        "device_id": device_id,
        "device_owner": device_owner,
        "mac_address": mac,
        "fixed_ips": [{"subnet_id": layout.id("subnet"), "ip_address": address}],
        "security_groups": list(groups or []),
        "allowed_address_pairs": [],
        "port_security_enabled": groups is not None,
        "binding:vnic_type": "normal",
        "binding:profile": {},
        "tags": [],
    }
