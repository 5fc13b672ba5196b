"""The names by which CAPO looks for OpenStack resources, and the order of a server's ports.

Source: cluster-api-provider-openstack v0.14.7, pkg/cloud/services/networking/port.go (getPortName,
EnsurePort), pkg/cloud/services/loadbalancer/loadbalancer.go, pkg/utils/names/names.go (ClusterResourceName).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replank.inventory.facts.openstack import Port, Server
from replank.inventory.facts.terraform import TerraformResource


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerNames:
    """What the parts of a managed API load balancer must be called."""

    load_balancer: str
    listener: str

    def member(self, machine: str) -> str:
        """Name of the pool member of one OpenStackMachine."""
        return f"{self.listener}-{machine}"


def load_balancer_names(namespace: str, cluster: str, port: int) -> LoadBalancerNames:
    """Listener, pool and monitor share one name; CAPO finds them by it alone."""
    name = f"k8s-clusterapi-cluster-{namespace}-{cluster}-kubeapi"
    return LoadBalancerNames(load_balancer=name, listener=f"{name}-{port}")


def in_order(
    server: Server, ports: Sequence[Port], addresses: frozenset[str], resources: Sequence[TerraformResource]
) -> tuple[Port, ...]:
    """The server's ports in the order of its network cards.

    Nova does not tell the order, Terraform's `network` blocks do; without them the port that carries one of
    the Node's `addresses` is first and the others follow by network and ID. The order decides which index of
    the template a port belongs to, so it must be the same for all machines of a group.
    """
    told = _order_in_state(server, resources)
    if told and {port.id for port in ports} <= set(told):
        return tuple(sorted(ports, key=lambda port: told.index(port.id)))
    return tuple(sorted(ports, key=lambda port: (not carries(port, addresses), port.network_id, port.id)))


def carries(port: Port, addresses: frozenset[str]) -> bool:
    """True if one of the port's fixed IPs is among `addresses`."""
    return any(fixed.address in addresses for fixed in port.fixed_ips)


def _order_in_state(server: Server, resources: Sequence[TerraformResource]) -> list[str]:
    for resource in resources:
        if resource.type != "openstack_compute_instance_v2" or resource.id != server.id or resource.deposed:
            continue
        networks = resource.attributes.get("network")
        if isinstance(networks, list):
            return [str(block.get("port") or "") for block in networks if isinstance(block, dict)]
    return []


def own_suffixes(name: str, ports: Sequence[Port]) -> tuple[str, ...]:
    """What follows `<server>-` in the ports' names; empty if one does not start so or two are alike."""
    suffixes = tuple(p.name.removeprefix(f"{name}-") for p in ports if p.name.startswith(f"{name}-"))
    if len(suffixes) != len(ports) or len(set(suffixes)) != len(suffixes) or not all(suffixes):
        return ()
    return suffixes


def port_name(server: str, index: int, suffix: str) -> str:
    """The name CAPO looks for: `<server>-<nameSuffix>`, without a suffix `<server>-<index>`."""
    return f"{server}-{suffix or index}"
