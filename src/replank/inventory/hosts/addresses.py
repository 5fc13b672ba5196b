"""Virtual addresses: those that a machine carries for the cluster, not as its own."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from replank.inventory.hosts.listing import strange_output

_LINE = re.compile(r"[0-9]+:\s+(\S+)\s+(inet6?)\s+(\S+)(.*)", flags=re.ASCII)
# Interfaces that CNI plugins, kube-proxy, runtimes and tunnels make: their addresses are no API endpoints.
_FOREIGN: Final = re.compile(
    r"(tunl|vxlan|cilium|flannel|kube-|nodelocaldns|docker|cni|cali|lxc|veth|br-|virbr|wg|ovn|ovs|weave|genev"
    r"|antrea|podman|dummy|vip-dummy).*"
)


def parse_virtual_addresses(text: str) -> tuple[str, ...]:
    """Virtual addresses in the output of `ip -o addr show`, sorted. Raises `Refused` RP089.

    An address counts as virtual if it is on the loopback device with global scope, or stands on a network
    device as `secondary` or with a host's prefix (/32, /128) beside an address that is neither: keepalived
    and kube-vip add theirs so (keepalived.conf(5) virtual_ipaddress; kube-vip pkg/vip/address.go). What
    DHCP or router advertisements gave (`dynamic`) never counts. keepalived and kube-vip with ARP hold it on
    one machine at a time: no virtual address here does not mean that the cluster has none.
    """
    found: dict[str, list[tuple[str, bool]]] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.rstrip("\\ "))
        if match is None:
            continue
        device, family, value, rest = match.groups()
        words = rest.replace("\\", " ").split()
        try:
            address = ipaddress.ip_interface(value)
        except ValueError as error:
            raise strange_output("ip", f"{value[:60]!r} is no address") from error
        if _FOREIGN.fullmatch(device.partition("@")[0]) or "global" not in words:
            continue
        own = "dynamic" in words or "temporary" in words
        alone = address.network.prefixlen == address.max_prefixlen or "secondary" in words
        virtual = not own and (alone or device == "lo")
        found.setdefault(f"{device} {family}", []).append((str(address.ip), virtual))
    virtual_ones: list[str] = []
    for key, addresses in found.items():
        if key.startswith("lo ") or not all(virtual for _, virtual in addresses):
            virtual_ones += [address for address, virtual in addresses if virtual]
    return tuple(sorted(virtual_ones))
