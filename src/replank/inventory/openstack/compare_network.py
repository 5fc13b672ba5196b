"""Compares what a state claims of ports, networks, routers and floating IPs with the cloud."""

from __future__ import annotations

from collections.abc import Iterator

from replank.domain.unknown import known_or
from replank.inventory.facts.openstack import (
    FloatingIP,
    Network,
    OpenStackFacts,
    Port,
    Router,
    SecurityGroup,
    Subnet,
)
from replank.inventory.facts.terraform import TerraformResource
from replank.inventory.openstack.claims import Pair, group, listed, plain, shown
from replank.inventory.openstack.references import blocks, text, texts


def port_pairs(resource: TerraformResource, port: Port) -> Iterator[Pair]:
    """A port. `fixed_ip` and `security_group_ids` only echo the configuration; the `all_` ones count."""
    yield from plain(resource, "name", port.name)
    yield from plain(resource, "network_id", port.network_id)
    yield from plain(resource, "admin_state_up", port.admin_state_up)
    if mac := text(resource, "mac_address"):
        yield Pair("mac_address", mac.lower(), port.mac.lower())
    yield from group(resource, "all_fixed_ips", (ip.address for ip in port.fixed_ips), "fixed IPs")
    yield from group(resource, "all_security_group_ids", port.security_group_ids, "security groups")
    yield from plain(resource, "port_security_enabled", port.port_security, "port security")
    yield from group(resource, "all_tags", port.tags, "tags")
    yield from _pairs(resource, port)
    for binding in blocks(resource, "binding"):
        if vnic := binding.get("vnic_type"):
            yield Pair("vnic_type", shown(vnic), port.vnic_type)


def _pairs(resource: TerraformResource, port: Port) -> Iterator[Pair]:
    """Allowed address pairs. People let Terraform ignore them (`ignore_changes`), so they often differ."""
    if not isinstance(resource.attributes.get("allowed_address_pairs"), list):
        return
    claimed = []
    for pair in blocks(resource, "allowed_address_pairs"):
        mac = str(pair.get("mac_address") or "").lower()
        claimed.append(_pair(str(pair.get("ip_address") or ""), "" if mac == port.mac.lower() else mac))
    live = [_pair(p.address, p.mac.lower()) for p in port.allowed_address_pairs]
    yield Pair("allowed_address_pairs", listed(claimed), listed(live))


def _pair(address: str, mac: str) -> str:
    return f"{address} ({mac})" if mac else address


def network_pairs(resource: TerraformResource, network: Network) -> Iterator[Pair]:
    """A network. The provider keeps no MTU of 0."""
    yield from plain(resource, "name", network.name)
    yield from plain(resource, "shared", network.shared)
    yield from plain(resource, "external", network.external)
    yield from plain(resource, "port_security_enabled", network.port_security, "port security")
    if resource.attributes.get("mtu") and network.mtu is not None:
        yield from plain(resource, "mtu", network.mtu)
    yield from group(resource, "all_tags", network.tags, "tags")


def subnet_pairs(resource: TerraformResource, subnet: Subnet) -> Iterator[Pair]:
    """A subnet. The order of DNS servers counts."""
    yield from plain(resource, "name", subnet.name)
    yield from plain(resource, "network_id", subnet.network_id)
    yield from plain(resource, "cidr", subnet.cidr)
    yield from plain(resource, "gateway_ip", subnet.gateway)
    yield from plain(resource, "enable_dhcp", subnet.dhcp)
    if servers := texts(resource, "dns_nameservers"):
        yield Pair("dns_nameservers", ", ".join(servers), shown(", ".join(subnet.dns_servers)))
    yield from group(resource, "all_tags", subnet.tags, "tags")


def router_pairs(resource: TerraformResource, router: Router) -> Iterator[Pair]:
    """A router. `external_gateway` is the old name of `external_network_id`."""
    yield from plain(resource, "name", router.name)
    external = text(resource, "external_network_id") or text(resource, "external_gateway")
    if external:
        yield Pair("external_network_id", external, shown(router.external_network_id))
    yield from group(resource, "all_tags", router.tags, "tags")


def interface_pairs(resource: TerraformResource, port: Port) -> Iterator[Pair]:
    """A router's interface, which is a port."""
    yield from plain(resource, "router_id", port.device_id)
    if subnet := text(resource, "subnet_id"):
        yield Pair("subnet_id", subnet, listed(ip.subnet_id for ip in port.fixed_ips))


def floating_ip_pairs(
    resource: TerraformResource, floating: FloatingIP, associated_elsewhere: bool
) -> Iterator[Pair]:
    """A floating IP. Where another resource associates it (`associated_elsewhere`), an empty `port_id` is
    only the state from before that, and no claim."""
    yield from plain(resource, "address", floating.address)
    if text(resource, "port_id") or not associated_elsewhere:
        yield from plain(resource, "port_id", floating.port_id)
        if text(resource, "fixed_ip"):
            yield from plain(resource, "fixed_ip", floating.fixed_ip)
    yield from group(resource, "all_tags", floating.tags, "tags")


def association_pairs(resource: TerraformResource, floating: FloatingIP) -> Iterator[Pair]:
    """A floating IP that the state ties to a port."""
    yield from plain(resource, "port_id", floating.port_id)
    if text(resource, "fixed_ip"):
        yield from plain(resource, "fixed_ip", floating.fixed_ip)


def server_association_pairs(
    resource: TerraformResource, floating: FloatingIP, project: OpenStackFacts
) -> Iterator[Pair]:
    """A floating IP that the state ties to a server."""
    server = text(resource, "instance_id")
    port = next((p for p in known_or(project.ports, ()) if p.id == floating.port_id), None)
    if server and (port is not None or not floating.port_id):
        yield Pair("instance_id", server, shown(port.device_id if port else ""))


def security_group_pairs(resource: TerraformResource, live: SecurityGroup) -> Iterator[Pair]:
    """A security group. Its rules are resources of their own and never change, only come and go."""
    yield from plain(resource, "name", live.name)
    yield from group(resource, "all_tags", live.tags, "tags")
