"""Network, subnet, router, security groups and rules, and what is only looked up, as state has them."""

from __future__ import annotations

from replank.testbed.fleet.cloud.network import ROLES, security_group_id
from replank.testbed.fleet.layout import REGION, ClusterLayout
from replank.testbed.fleet.state.claim import Claim, Member, single
from replank.testbed.world import Document, Project

_TIMEOUTS: Document = {"timeouts": None}


def network_claims(layout: ClusterLayout, project: Project) -> list[Claim]:
    """Everything of Neutron but ports of machines and the load balancer."""
    groups = {
        group["id"]: group
        for group in project.collections["network"]["security_groups"]
        if group["name"].startswith(f"{layout.name}-")
    }
    found = [_external(layout), *_networks(layout)]
    for role in ROLES:
        group = groups[security_group_id(layout, role)]
        found.append(_security_group(layout, role, group))
        found.append(_security_group_rules(role, group))
    return found


def _external(layout: ClusterLayout) -> Claim:
    cloud = layout.cloud
    attributes: Document = {
        "id": cloud.id("network", "external"),
        "network_id": cloud.id("network", "external"),
        "name": "public",
        "external": True,
        "shared": "false",
        "region": REGION,
        "subnets": [cloud.id("subnet", "external")],
        "all_tags": [],
    }
    return Claim(
        type="openstack_networking_network_v2",
        name="external",
        part="network",
        mode="data",
        members=(Member(key="", attributes=attributes),),
    )


def _networks(layout: ClusterLayout) -> list[Claim]:
    cloud = layout.cloud
    base: Document = {"region": REGION, "tenant_id": cloud.project_id, "description": "", "value_specs": None}
    tags: Document = {"tags": [], "all_tags": []}
    network = {
        "id": layout.id("network"),
        "name": layout.name,
        "admin_state_up": True,
        "external": False,
        "shared": False,
        "mtu": 1450,
        "port_security_enabled": True,
        "dns_domain": "",
        "segments": [],
        "transparent_vlan": False,
        "availability_zone_hints": [],
    }
    subnet = {
        "id": layout.id("subnet"),
        "name": f"{layout.name}-nodes",
        "network_id": layout.id("network"),
        "cidr": layout.cidr,
        "ip_version": 4,
        "gateway_ip": layout.host(1),
        "no_gateway": False,
        "enable_dhcp": True,
        "dns_nameservers": ["198.18.0.2"],
        "allocation_pool": [{"start": layout.host(2), "end": layout.host(254)}],
        "ipv6_address_mode": "",
        "ipv6_ra_mode": "",
        "prefix_length": None,
        "subnetpool_id": "",
    }
    router = {
        "id": layout.id("router"),
        "name": layout.name,
        "admin_state_up": True,
        "distributed": False,
        "enable_snat": True,
        "external_network_id": cloud.id("network", "external"),
        "external_fixed_ip": [],
        "vendor_options": [],
        "availability_zone_hints": [],
    }
    interface = {
        "id": layout.id("router-interface"),
        "port_id": layout.id("router-interface"),
        "router_id": layout.id("router"),
        "subnet_id": layout.id("subnet"),
        "region": REGION,
        "force_destroy": False,
    }
    needs = ("openstack_networking_network_v2.cluster",)
    return [
        single("openstack_networking_network_v2", "cluster", "network", base | network | tags | _TIMEOUTS),
        single(
            "openstack_networking_subnet_v2",
            "cluster",
            "network",
            base | subnet | tags | _TIMEOUTS,
            needs=needs,
        ),
        single("openstack_networking_router_v2", "cluster", "network", base | router | tags | _TIMEOUTS),
        single(
            "openstack_networking_router_interface_v2",
            "cluster",
            "network",
            interface | _TIMEOUTS,
            needs=("openstack_networking_router_v2.cluster", "openstack_networking_subnet_v2.cluster"),
        ),
    ]


def _security_group(layout: ClusterLayout, role: str, group: Document) -> Claim:
    attributes: Document = {
        "id": group["id"],
        "name": group["name"],
        "description": group["description"],
        "delete_default_rules": False,
        "stateful": True,
        "region": REGION,
        "tenant_id": layout.cloud.project_id,
        "tags": [],
        "all_tags": [],
    }
    name = role.replace("-", "_")
    return single("openstack_networking_secgroup_v2", name, "network", attributes | _TIMEOUTS)


def _security_group_rules(role: str, group: Document) -> Claim:
    name = role.replace("-", "_")
    members = []
    for index, rule in enumerate(r for r in group["security_group_rules"] if r["direction"] == "ingress"):
        attributes: Document = {
            "id": rule["id"],
            "security_group_id": group["id"],
            "direction": rule["direction"],
            "ethertype": rule["ethertype"],
            "protocol": rule["protocol"] or "",
            "port_range_min": rule["port_range_min"] or 0,
            "port_range_max": rule["port_range_max"] or 0,
            "remote_ip_prefix": rule["remote_ip_prefix"] or "",
            "remote_group_id": rule["remote_group_id"] or "",
            "description": "",
            "region": REGION,
            "tenant_id": rule["project_id"],
        }
        members.append(Member(key=f"rule-{index}", attributes=attributes | _TIMEOUTS))
    return Claim(
        type="openstack_networking_secgroup_rule_v2",
        name=name,
        part="network",
        members=tuple(members),
        many=True,
        needs=(f"openstack_networking_secgroup_v2.{name}",),
    )
