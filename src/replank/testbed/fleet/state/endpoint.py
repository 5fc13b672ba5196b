"""The API's load balancer, virtual address port and floating IP, as state has them."""

from __future__ import annotations

from replank.testbed.fleet.cloud.network import security_group_id
from replank.testbed.fleet.layout import REGION, ClusterLayout
from replank.testbed.fleet.state.claim import Claim, Member, single
from replank.testbed.world import Document, Project

_LB = "openstack_lb_loadbalancer_v2"


def endpoint_claims(layout: ClusterLayout, project: Project) -> list[Claim]:
    """What stands before the API servers; nothing without load balancer and virtual address."""
    if layout.spec.load_balancer == "none":
        return []
    found = _octavia(layout, project) if layout.spec.load_balancer == "octavia" else [_vip_port(layout)]
    port = f"{_LB}.api" if layout.spec.load_balancer == "octavia" else "openstack_networking_port_v2.vip"
    floating: Document = {
        "id": layout.id("floatingip"),
        "address": layout.floating_ip,
        "pool": "public",
        "port_id": "",
        "fixed_ip": "",
        "description": f"api.{layout.name}",
        "dns_domain": "",
        "dns_name": "",
        "region": REGION,
        "subnet_id": "",
        "tenant_id": layout.cloud.project_id,
        "tags": [],
        "all_tags": [],
        "timeouts": None,
        "value_specs": None,
    }
    link: Document = {
        "id": layout.id("floatingip"),
        "floating_ip": layout.floating_ip,
        "port_id": layout.id("vip-port"),
        "fixed_ip": layout.vip,
        "region": REGION,
    }
    return [
        *found,
        single("openstack_networking_floatingip_v2", "api", "api", floating),
        single(
            "openstack_networking_floatingip_associate_v2",
            "api",
            "api",
            link,
            needs=("openstack_networking_floatingip_v2.api", port),
        ),
    ]


def _vip_port(layout: ClusterLayout) -> Claim:
    group = security_group_id(layout, "control-plane")
    attributes: Document = {
        "id": layout.id("vip-port"),
        "name": f"{layout.name}-vip",
        "network_id": layout.id("network"),
        "region": REGION,
        "tenant_id": layout.cloud.project_id,
        "admin_state_up": True,
        "mac_address": layout.mint.mac("cluster", layout.name, "vip"),
        "device_id": "",
        "device_owner": "",
        "fixed_ip": [{"ip_address": layout.vip, "subnet_id": layout.id("subnet")}],
        "all_fixed_ips": [layout.vip],
        "security_group_ids": [group],
        "all_security_group_ids": [group],
        "allowed_address_pairs": [],
        "port_security_enabled": True,
        "tags": [],
        "all_tags": [],
        "timeouts": None,
    }
    return single("openstack_networking_port_v2", "vip", "api", attributes)


def _octavia(layout: ClusterLayout, project: Project) -> list[Claim]:
    collections = project.collections["load-balancer"]
    lb = _by_id(collections["loadbalancers"], layout.id("loadbalancer"))
    listener = _by_id(collections["listeners"], lb["listeners"][0]["id"])
    pool = _by_id(collections["pools"], lb["pools"][0]["id"])
    monitor = _by_id(collections["healthmonitors"], pool["healthmonitor_id"])
    base: Document = {
        "region": REGION,
        "tenant_id": layout.cloud.project_id,
        "admin_state_up": True,
        "timeouts": None,
    }
    members = []
    for machine, document in zip(layout.control_planes, pool["members_full"], strict=True):
        keys = ("id", "name", "address", "protocol_port", "subnet_id", "weight", "backup")
        attributes = base | {key: document[key] for key in keys} | {"pool_id": pool["id"], "tags": None}
        members.append(Member(key=machine.name, attributes=attributes))
    lb_keys = ("id", "name", "vip_address", "vip_port_id", "vip_subnet_id", "vip_network_id", "description")
    listener_keys = (
        *("id", "name", "protocol", "protocol_port", "default_pool_id", "connection_limit"),
        *("timeout_client_data", "timeout_member_connect", "timeout_member_data"),
    )
    monitor_keys = ("id", "name", "type", "delay", "timeout", "max_retries", "max_retries_down")
    return [
        single(
            _LB,
            "api",
            "api",
            base
            | {key: lb[key] for key in lb_keys}
            | {"loadbalancer_provider": "amphora", "flavor_id": "", "security_group_ids": [], "tags": []},
            needs=("openstack_networking_subnet_v2.cluster",),
        ),
        single(
            "openstack_lb_listener_v2",
            "api",
            "api",
            base
            | {key: listener[key] for key in listener_keys}
            | {"loadbalancer_id": lb["id"], "allowed_cidrs": [], "insert_headers": {}, "tags": []},
            needs=(f"{_LB}.api",),
        ),
        single(
            "openstack_lb_pool_v2",
            "api",
            "api",
            base
            | {
                "id": pool["id"],
                "name": pool["name"],
                "protocol": "TCP",
                "lb_method": "ROUND_ROBIN",
                "loadbalancer_id": None,
                "listener_id": listener["id"],
                "persistence": [],
                "tags": [],
            },
            needs=("openstack_lb_listener_v2.api",),
        ),
        single(
            "openstack_lb_monitor_v2",
            "api",
            "api",
            base
            | {key: monitor[key] for key in monitor_keys}
            | {"pool_id": pool["id"], "expected_codes": "", "http_method": "", "url_path": ""},
            needs=("openstack_lb_pool_v2.api",),
        ),
        Claim(
            type="openstack_lb_member_v2",
            name="api",
            part="api",
            members=tuple(members),
            many=True,
            needs=("openstack_lb_pool_v2.api", "openstack_compute_instance_v2.control_plane"),
        ),
    ]


def _by_id(documents: list[Document], id: str) -> Document:
    return next(document for document in documents if document["id"] == id)
