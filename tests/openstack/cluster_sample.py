"""Facts of one project with two clusters, `a` and `b`, for the tests of selection and comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from replank.inventory.facts.json_value import JSON
from replank.inventory.facts.kubernetes import LoadBalancerService, Node, NodeAddress
from replank.inventory.facts.openstack import (
    AddressPair,
    FixedIP,
    Flavor,
    FloatingIP,
    HealthMonitor,
    Image,
    Listener,
    LoadBalancer,
    Network,
    OpenStackFacts,
    Pool,
    PoolMember,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Server,
    ServerAddress,
    ServerGroup,
    Subnet,
    Volume,
    VolumeAttachment,
)
from replank.inventory.facts.terraform import TerraformResource


def server(cluster: str, part: str, address: str, /, **changes: Any) -> Server:
    return replace(
        Server(
            id=f"{cluster}-{part}-id",
            name=f"{cluster}-{part}",
            status="ACTIVE",
            flavor="m1.large",
            flavor_id="flavor-1",
            image_id="image-1",
            availability_zone="az1",
            key_name="ops",
            addresses=(ServerAddress(network=cluster, address=address),),
            security_groups=(f"{cluster}-nodes",),
        ),
        **changes,
    )


def port(cluster: str, part: str, address: str, /, **changes: Any) -> Port:
    return replace(
        Port(
            id=f"{cluster}-{part}-port-id",
            name=f"{cluster}-{part}-port",
            network_id=f"net-{cluster}",
            device_id=f"{cluster}-{part}-id",
            device_owner="compute:az1",
            mac="fa:16:3e:00:00:01",
            fixed_ips=(FixedIP(address=address, subnet_id=f"subnet-{cluster}"),),
            security_group_ids=(f"group-{cluster}",),
        ),
        **changes,
    )


def balancer(cluster: str, *members: str) -> LoadBalancer:
    return LoadBalancer(
        id=f"lb-{cluster}",
        name=f"{cluster}-api",
        vip_address=f"10.{ord(cluster)}.0.9",
        vip_port_id=f"vip-{cluster}",
        vip_subnet_id=f"subnet-{cluster}",
        vip_network_id=f"net-{cluster}",
        provider="amphora",
        listeners=(
            Listener(id=f"listener-{cluster}", name="l", protocol="TCP", protocol_port=6443, pool_id="p"),
        ),
        pools=(
            Pool(
                id=f"pool-{cluster}",
                name="p",
                protocol="TCP",
                algorithm="ROUND_ROBIN",
                members=tuple(
                    PoolMember(id=f"member-{m}", name=m, address=m, protocol_port=6443) for m in members
                ),
                monitor=HealthMonitor(
                    id=f"monitor-{cluster}", name="m", type="TCP", delay=5, timeout=3, max_retries=3
                ),
            ),
        ),
    )


def network(cluster: str) -> tuple[Network, Subnet, Router, SecurityGroup]:
    return (
        Network(id=f"net-{cluster}", name=f"net-{cluster}", project_id="project-1"),
        Subnet(
            id=f"subnet-{cluster}",
            name=f"subnet-{cluster}",
            network_id=f"net-{cluster}",
            cidr=f"10.{ord(cluster)}.0.0/24",
        ),
        Router(
            id=f"router-{cluster}",
            name=f"router-{cluster}",
            external_network_id="ext",
            interface_subnet_ids=(f"subnet-{cluster}",),
        ),
        SecurityGroup(
            id=f"group-{cluster}",
            name=f"{cluster}-nodes",
            rules=(SecurityGroupRule(id=f"rule-{cluster}", direction="ingress"),),
        ),
    )


def project(**changes: Any) -> OpenStackFacts:
    """Cluster a: cp-1 (named port, floating IP, in a server group), w-1 (port by Nova, root volume)."""
    nets = [network("a"), network("b")]
    facts = OpenStackFacts(
        cloud="prod",
        region="RegionOne",
        project_id="project-1",
        servers=(
            server("a", "cp-1", "10.97.0.11"),
            server("a", "w-1", "10.97.0.12", image_id="", attached_volumes=("root-1",)),
            server("b", "cp-1", "10.98.0.11"),
        ),
        ports=(
            port("a", "cp-1", "10.97.0.11", allowed_address_pairs=(AddressPair(address="10.97.0.5"),)),
            port("a", "w-1", "10.97.0.12", name=""),
            port("b", "cp-1", "10.98.0.11"),
            port("a", "vip", "10.97.0.9", id="vip-a", device_id="lb", device_owner="Octavia"),
        ),
        networks=(Network(id="ext", name="public", external=True), *(n[0] for n in nets)),
        subnets=tuple(n[1] for n in nets),
        routers=tuple(n[2] for n in nets),
        security_groups=tuple(n[3] for n in nets),
        floating_ips=(
            FloatingIP(
                id="fip-a",
                address="203.0.113.1",
                network_id="ext",
                port_id="a-cp-1-port-id",
                fixed_ip="10.97.0.11",
            ),
            FloatingIP(id="fip-b", address="203.0.113.2", network_id="ext", port_id="b-cp-1-port-id"),
        ),
        volumes=(
            Volume(
                id="root-1",
                name="",
                status="in-use",
                size_gib=40,
                bootable=True,
                image_id="image-2",
                attachments=(VolumeAttachment(server_id="a-w-1-id"),),
            ),
            Volume(id="pv-1", name="pvc-1", status="available", size_gib=1),
            Volume(id="pv-2", name="pvc-2", status="available", size_gib=1),
        ),
        server_groups=(
            ServerGroup(
                id="sgroup-a", name="a-cp", policy="anti-affinity", member_ids=("a-cp-1-id", "deleted")
            ),
            ServerGroup(id="sgroup-b", name="b-cp", policy="affinity", member_ids=("b-cp-1-id",)),
        ),
        load_balancers=(balancer("a", "10.97.0.11"), balancer("b", "10.98.0.11")),
        flavors=(Flavor(id="flavor-1", name="m1.large"), Flavor(id="flavor-2", name="m1.xlarge")),
        images=tuple(Image(id=f"image-{n}", name=f"ubuntu-{n}", status="active") for n in (1, 2, 3, 4)),
        keypairs=("ops", "other"),
    )
    return replace(facts, **changes)


def resource(kind: str, id_: str, attributes: Mapping[str, JSON] | None = None, **changes: Any) -> Any:
    return replace(
        TerraformResource(
            address=f"openstack_{kind}.{id_}",
            mode="managed",
            type=f"openstack_{kind}",
            name=id_,
            id=id_,
            attributes=attributes or {},
        ),
        **changes,
    )


def state_of_a() -> list[TerraformResource]:
    """What a state of cluster a holds: servers, cp-1's port, network, router, group, load balancer."""
    return [
        resource(
            "compute_instance_v2",
            "a-cp-1-id",
            {"name": "a-cp-1", "network": [{"uuid": "net-a", "port": "a-cp-1-port-id"}]},
        ),
        resource(
            "compute_instance_v2", "a-w-1-id", {"name": "a-w-1", "network": [{"uuid": "net-a", "port": ""}]}
        ),
        resource("networking_port_v2", "a-cp-1-port-id"),
        resource("networking_network_v2", "net-a"),
        resource("networking_subnet_v2", "subnet-a"),
        resource("networking_router_v2", "router-a", {"external_network_id": "ext"}),
        resource("networking_secgroup_v2", "group-a"),
        resource("networking_secgroup_rule_v2", "rule-a"),
        resource("networking_floatingip_v2", "fip-a"),
        resource("compute_servergroup_v2", "sgroup-a"),
        resource("lb_loadbalancer_v2", "lb-a"),
        resource("lb_listener_v2", "listener-a"),
        resource("lb_pool_v2", "pool-a"),
        resource("lb_monitor_v2", "monitor-a"),
    ]


def node(name: str, /, provider_id: str = "", address: str = "", **changes: Any) -> Node:
    addresses = (NodeAddress(type="InternalIP", address=address),) if address else ()
    return replace(Node(name=name, uid=name, provider_id=provider_id, addresses=addresses), **changes)


def service(name: str, /, **changes: Any) -> LoadBalancerService:
    return replace(LoadBalancerService(namespace="default", name=name), **changes)
