"""The names by which CAPO looks for OpenStack resources, and the order of a server's ports.

Source: cluster-api-provider-openstack v0.14.7, pkg/cloud/services/networking/port.go (getPortName,
EnsurePort), pkg/cloud/services/loadbalancer/loadbalancer.go, pkg/utils/names/names.go (ClusterResourceName).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from replank.inventory.facts.openstack import Port, Server
from replank.inventory.facts.terraform import TerraformResource
from replank.plan.takeover import PlannedMachine


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


def port_clashes(
    machines: Sequence[PlannedMachine], ports: Sequence[Port], namesakes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Names that two ports of one network would have: CAPO fails on both. Yields name and reason.

    `ports`: all that were seen; `namesakes`: names of ports outside the cluster, in its networks.
    """
    network = {port.id: port.network_id for port in ports}
    wanted = [(name.new, network.get(name.id, ""), name.id) for m in machines for name in m.ports]
    counted = Counter((name, net) for name, net, _ in wanted)
    planned = {port_id for _, _, port_id in wanted}
    there = {(p.name, p.network_id): p.id for p in ports if p.id not in planned and p.name}
    for name, net, port_id in wanted:
        if counted[name, net] > 1:
            yield name, f"two ports of network {net} would be called so, {port_id} among them"
        elif (name, net) in there:
            yield name, f"port {there[name, net]} of network {net} is called so already"
        elif name in namesakes:
            yield name, f"a port outside the cluster, in network {net}, is called so already"
