"""Octavia: the API's load balancer, and those the cloud provider made for Services of type LoadBalancer."""

from __future__ import annotations

from replank.testbed.fleet.cloud.network import floating_ip, vip_port
from replank.testbed.fleet.layout import ClusterLayout
from replank.testbed.world import Document, Project

API_PORT = 6443


def add_api_load_balancer(project: Project, layout: ClusterLayout) -> None:
    """Load balancer, listener, pool, monitor and a member for each control plane, as Terraform made them."""
    if layout.spec.load_balancer != "octavia":
        return
    lb = layout.id("loadbalancer")
    project.collections["network"]["ports"].append(vip_port(layout, f"octavia-lb-{lb}", lb))
    members = [
        member(layout, machine.name, machine.address, API_PORT, machine.name)
        for machine in layout.control_planes
    ]
    _add(
        project,
        layout,
        key="",
        name=f"{layout.name}-api",
        vip=(layout.vip, layout.id("vip-port")),
        ports=[(API_PORT, members)],
    )


def service_load_balancer_name(layout: ClusterLayout, namespace: str, service: str) -> str:
    """As cloud-provider-openstack names it (pkg/openstack/loadbalancer.go GetLoadBalancerName)."""
    return f"kube_service_{layout.name}_{namespace}_{service}"


def add_service_load_balancer(
    project: Project, layout: ClusterLayout, namespace: str, service: str, node_port: int, index: int
) -> None:
    """What openstack-cloud-controller-manager makes for one Service with port 443."""
    key = f"{namespace}/{service}"
    lb = layout.id("loadbalancer", key)
    address = layout.host(200 + index)
    port = vip_port(layout, f"octavia-lb-{lb}", lb)
    port |= {
        "id": layout.id("service-vip-port", key),
        "mac_address": layout.mint.mac("cluster", layout.name, "service-vip", key),
        "fixed_ips": [{"subnet_id": layout.id("subnet"), "ip_address": address}],
    }
    project.collections["network"]["ports"].append(port)
    project.collections["network"]["floatingips"].append(
        floating_ip(
            layout,
            layout.id("service-floatingip", key),
            service_address(layout, index),
            port["id"],
            address,
        )
    )
    members = [
        member(layout, f"{key}/{machine.name}", machine.address, node_port, machine.name)
        for machine in layout.workers
    ]
    name = service_load_balancer_name(layout, namespace, service)
    _add(project, layout, key=key, name=name, vip=(address, port["id"]), ports=[(443, members)])


def service_address(layout: ClusterLayout, index: int) -> str:
    """The floating IP of the `index`th Service."""
    return str(layout.floating_ip_base + 1 + index)


def member(layout: ClusterLayout, key: str, address: str, port: int, name: str) -> Document:
    """One pool member."""
    return {
        "id": layout.id("member", key),
        "name": name,
        "address": address,
        "protocol_port": port,
        "subnet_id": layout.id("subnet"),
        "weight": 1,
        "backup": False,
        "monitor_address": None,
        "monitor_port": None,
        "operating_status": "ONLINE",
        "provisioning_status": "ACTIVE",
        "admin_state_up": True,
        "project_id": layout.cloud.project_id,
        "tags": [],
    }


def _add(
    project: Project,
    layout: ClusterLayout,
    *,
    key: str,
    name: str,
    vip: tuple[str, str],
    ports: list[tuple[int, list[Document]]],
) -> None:
    collections = project.collections["load-balancer"]
    path = (key,) if key else ()
    base = {"project_id": layout.cloud.project_id, "provisioning_status": "ACTIVE", "admin_state_up": True}
    lb_id = layout.id("loadbalancer", *path)
    listeners = [{"id": layout.id("listener", *path, port)} for port, _ in ports]
    pools = [{"id": layout.id("pool", *path, port)} for port, _ in ports]
    collections["loadbalancers"].append(
        base
        | {
            "id": lb_id,
            "name": name,
            "description": "",
            "vip_address": vip[0],
            "vip_port_id": vip[1],
            "vip_subnet_id": layout.id("subnet"),
            "vip_network_id": layout.id("network"),
            "additional_vips": [],
            "provider": "amphora",
            "flavor_id": None,
            "availability_zone": None,
            "operating_status": "ONLINE",
            "listeners": listeners,
            "pools": pools,
            "created_at": layout.timestamp(30)[:-1],
            "updated_at": layout.timestamp(90)[:-1],
            "tags": [],
        }
    )
    for (port, members), listener, pool in zip(ports, listeners, pools, strict=True):
        suffix = f"-{port}" if key else ""
        monitor = layout.id("monitor", *path, port)
        collections["listeners"].append(
            base
            | {
                "id": listener["id"],
                "name": f"{name}-listener{suffix}",
                "protocol": "TCP",
                "protocol_port": port,
                "default_pool_id": pool["id"],
                "allowed_cidrs": None,
                "connection_limit": -1,
                "timeout_client_data": 50000,
                "timeout_member_connect": 5000,
                "timeout_member_data": 50000,
                "timeout_tcp_inspect": 0,
                "operating_status": "ONLINE",
                "loadbalancers": [{"id": lb_id}],
                "l7policies": [],
                "tags": [],
            }
        )
        collections["pools"].append(
            base
            | {
                "id": pool["id"],
                "name": f"{name}-pool{suffix}",
                "protocol": "TCP",
                "lb_algorithm": "ROUND_ROBIN",
                "session_persistence": None,
                "operating_status": "ONLINE",
                "loadbalancers": [{"id": lb_id}],
                "listeners": [listener],
                "healthmonitor_id": monitor,
                "members": [{"id": document["id"]} for document in members],
                "members_full": members,
                "tags": [],
            }
        )
        collections["healthmonitors"].append(
            base
            | {
                "id": monitor,
                "name": f"{name}-monitor{suffix}",
                "type": "TCP",
                "delay": 5,
                "timeout": 3,
                "max_retries": 3,
                "max_retries_down": 3,
                "operating_status": "ONLINE",
                "pools": [pool],
                "tags": [],
            }
        )
