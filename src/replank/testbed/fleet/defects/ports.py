"""Defects of ports, groups and addresses."""

from __future__ import annotations

import copy

from replank.testbed.fleet.cloud.network import floating_ip, security_group_id
from replank.testbed.fleet.defects.defect import (
    Defect,
    first_worker,
    last_worker,
    second_worker,
    third_worker,
)
from replank.testbed.fleet.made import Made


def _renamed(made: Made) -> None:
    made.port(second_worker(made.layout))["name"] = "tmp-do-not-use"


def _address_pairs(made: Made) -> None:
    """As many CNIs without tunnel want it; the configuration ignores changes of this attribute."""
    for machine in made.layout.workers:
        made.port(machine)["allowed_address_pairs"] = [
            {"ip_address": made.layout.spec.pod_cidr, "mac_address": machine.mac}
        ]


def _port_security_off(made: Made) -> None:
    port = made.port(last_worker(made.layout))
    port |= {"port_security_enabled": False, "security_groups": []}


def _second_nic(made: Made) -> None:
    """A second interface, attached by hand, in no state."""
    machine = third_worker(made.layout)
    port = copy.deepcopy(made.port(machine))
    address = made.layout.host(120)
    port |= {
        "id": made.layout.id("second-port"),
        "name": "",
        "mac_address": made.layout.mint.mac("cluster", made.layout.name, "second-port"),
        "fixed_ips": [{"subnet_id": made.layout.id("subnet"), "ip_address": address}],
    }
    made.documents("network", "ports").append(port)
    made.server(machine)["addresses"][made.layout.name].append(
        {
            "addr": address,
            "version": 4,
            "OS-EXT-IPS:type": "fixed",
            "OS-EXT-IPS-MAC:mac_addr": port["mac_address"],
        }
    )


def _shared_group(made: Made) -> None:
    """A server of another cluster uses this cluster's security group."""
    other = _other(made)
    port = other.port(first_worker(other.layout))
    port["security_groups"].append(security_group_id(made.layout, "worker"))


def _shared_network(made: Made) -> None:
    """A server that belongs to no cluster stands in this cluster's network."""
    template = copy.deepcopy(made.server(first_worker(made.layout)))
    id = made.layout.id("foreign-server")
    address = made.layout.host(150)
    mac = made.layout.mint.mac("cluster", made.layout.name, "foreign")
    template |= {
        "id": id,
        "name": "legacy-ci-runner",
        "metadata": {},
        "OS-EXT-SRV-ATTR:hostname": "legacy-ci-runner",
        "os-extended-volumes:volumes_attached": [],
    }
    entry = template["addresses"][made.layout.name][0]
    entry |= {"addr": address, "OS-EXT-IPS-MAC:mac_addr": mac}
    made.documents("compute", "servers").append(template)
    port = copy.deepcopy(made.port(first_worker(made.layout)))
    port |= {
        "id": made.layout.id("foreign-port"),
        "name": "ci-runner",
        "device_id": id,
        "mac_address": mac,
        "fixed_ips": [{"subnet_id": made.layout.id("subnet"), "ip_address": address}],
    }
    made.documents("network", "ports").append(port)


def _control_plane_floating_ip(made: Made) -> None:
    machine = made.layout.control_planes[0]
    address = str(made.layout.floating_ip_base + 7)
    document = floating_ip(
        made.layout, made.layout.id("cp-floatingip"), address, machine.port_id, machine.address
    )
    made.documents("network", "floatingips").append(document)
    made.server(machine)["addresses"][made.layout.name].append(
        {
            "addr": address,
            "version": 4,
            "OS-EXT-IPS:type": "floating",
            "OS-EXT-IPS-MAC:mac_addr": machine.mac,
        }
    )


def _second_subnet(made: Made) -> None:
    """A second IPv4 subnet on the cluster's network."""
    subnet = copy.deepcopy(made.document("network", "subnets", made.layout.id("subnet")))
    subnet |= {
        "id": made.layout.id("second-subnet"),
        "name": f"{made.layout.name}-extra",
        "cidr": f"172.30.{made.layout.number % 256}.0/24",
        "gateway_ip": None,
        "allocation_pools": [],
    }
    made.documents("network", "subnets").append(subnet)
    made.document("network", "networks", made.layout.id("network"))["subnets"].append(subnet["id"])


def _other(made: Made) -> Made:
    if not made.others:
        raise LookupError(f"{made.layout.name} has no cluster before it")
    return made.others[-1]


DEFECTS = (
    Defect("port-renamed", "a port's name differs from the state's", _renamed),
    Defect("address-pairs", "ports have allowed address pairs that the state does not know", _address_pairs),
    Defect("port-security-off", "a port has port security off", _port_security_off),
    Defect("second-nic", "a server has a second port that stands in no state", _second_nic),
    Defect("shared-group", "another cluster's server uses this cluster's security group", _shared_group),
    Defect("shared-network", "a foreign server stands in the cluster's network", _shared_network),
    Defect("control-plane-fip", "a control plane has a floating IP", _control_plane_floating_ip),
    Defect("second-subnet", "the network has two IPv4 subnets", _second_subnet),
)
