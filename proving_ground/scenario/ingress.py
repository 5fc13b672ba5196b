"""Users' way in: a listener on the cluster's load balancer that leads to a NodePort of all workers, made by
hand as platform teams do, in nobody's Terraform."""

from __future__ import annotations

from dataclasses import dataclass

from openstack.connection import Connection

from proving_ground.legacy.layout import LegacyCluster
from proving_ground.scenario.waiting import until

PORT = 80
NODE_PORT = 30080


@dataclass(frozen=True, slots=True)
class Ingress:
    """`url`: of the sample workload's web service, by the load balancer's address."""

    load_balancer: str
    listener: str
    pool: str
    url: str


def add(cloud: Connection, cluster: LegacyCluster) -> Ingress:
    """Makes it, with every worker as a member."""
    balancer = cloud.load_balancer.find_load_balancer(f"{cluster.name}-api", ignore_missing=False)
    listener = cloud.load_balancer.create_listener(
        name=f"{cluster.name}-web", protocol="TCP", protocol_port=PORT, load_balancer_id=balancer.id
    )
    _ready(cloud, balancer.id)
    pool = cloud.load_balancer.create_pool(
        name=f"{cluster.name}-web", protocol="TCP", lb_algorithm="ROUND_ROBIN", listener_id=listener.id
    )
    _ready(cloud, balancer.id)
    subnet = cloud.network.find_subnet(balancer.vip_subnet_id, ignore_missing=False)
    for server in cloud.compute.servers():
        if server.name.startswith(f"{cluster.name}-worker"):
            port = next(iter(cloud.network.ports(device_id=server.id)))
            cloud.load_balancer.create_member(
                pool.id,
                name=server.name,
                address=port.fixed_ips[0]["ip_address"],
                protocol_port=NODE_PORT,
                subnet_id=subnet.id,
            )
            _ready(cloud, balancer.id)
    url = f"http://{balancer.vip_address}:{PORT}/healthz"
    return Ingress(balancer.id, listener.id, pool.id, url)


def remove(cloud: Connection, ingress: Ingress) -> None:
    """Takes it away again, before Terraform deletes the load balancer."""
    cloud.load_balancer.delete_pool(ingress.pool)
    _ready(cloud, ingress.load_balancer)
    cloud.load_balancer.delete_listener(ingress.listener)
    _ready(cloud, ingress.load_balancer)


def members(cloud: Connection, pool: str) -> dict[str, str]:
    """Address -> operating status."""
    return {member.address: member.operating_status for member in cloud.load_balancer.members(pool)}


def _ready(cloud: Connection, balancer: str) -> None:
    def state() -> str:
        found = cloud.load_balancer.get_load_balancer(balancer).provisioning_status
        return "" if found == "ACTIVE" else f"it is {found}"

    until(f"load balancer {balancer}", state, limit_s=60, every_s=0.5)
