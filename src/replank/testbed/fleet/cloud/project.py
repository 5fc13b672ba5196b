"""What a project has before any cluster stands in it: flavors, images, zones, external network, quotas."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from replank.testbed.fleet.layout import FLAVORS, REGION, ZONES, CloudLayout
from replank.testbed.world import Document, Project

EXTERNAL_CIDR = "198.18.0.0/15"
_BORN = "2026-01-12T08:00:00Z"


def make_project(cloud: CloudLayout, versions: Iterable[str], password: str) -> Project:
    """A project with an image for each Kubernetes version, and one server that belongs to no cluster."""
    project = Project(
        cloud=cloud.name,
        project_id=cloud.project_id,
        project_name=cloud.project_name,
        user_name=cloud.user_name,
        password=password,
        region=REGION,
    )
    project.collections = {
        "compute": {
            "servers": [],
            "flavors": [_flavor(cloud, name) for name in FLAVORS],
            "server_groups": [],
            "keypairs": [],
            "zones": [_zone(name) for name in ZONES],
        },
        "network": {
            "networks": [_external_network(cloud)],
            "subnets": [_external_subnet(cloud)],
            "ports": [],
            "routers": [],
            "floatingips": [],
            "security_groups": [],
            "availability_zones": [
                {"name": name, "resource": resource, "state": "available"}
                for name in ZONES
                for resource in ("network", "router")
            ],
        },
        "load-balancer": {"loadbalancers": [], "listeners": [], "pools": [], "healthmonitors": []},
        "image": {"images": [_image(cloud, version) for version in sorted(set(versions))]},
        "block-storage": {"volumes": [], "zones": [_zone("nova")]},
    }
    return project


def count_quotas(project: Project) -> None:
    """Quotas with the usage that the project's documents add up to, and ample room above it."""
    compute, network = project.collections["compute"], project.collections["network"]
    volumes = project.collections["block-storage"]["volumes"]
    flavors = [server["flavor"] for server in compute["servers"]]
    used = {
        "instances": len(flavors),
        "cores": sum(flavor["vcpus"] for flavor in flavors),
        "ram": sum(flavor["ram"] for flavor in flavors),
        "key_pairs": len(compute["keypairs"]),
        "server_groups": len(compute["server_groups"]),
    }
    stored = {"volumes": len(volumes), "gigabytes": sum(volume["size"] for volume in volumes)}
    wires = {
        "network": len(network["networks"]) - 1,
        "subnet": len(network["subnets"]) - 1,
        "port": len(network["ports"]),
        "router": len(network["routers"]),
        "floatingip": len(network["floatingips"]),
        "security_group": len(network["security_groups"]),
        "security_group_rule": sum(len(g["security_group_rules"]) for g in network["security_groups"]),
    }
    identity: Document = {"id": project.project_id}
    project.quotas = {
        "compute": identity | {name: _quota(count, "in_use") for name, count in used.items()},
        "block-storage": identity | {name: _quota(count, "in_use") for name, count in stored.items()},
        "network": {name: _quota(count, "used") for name, count in wires.items()},
    }


def _quota(count: int, used: str) -> dict[str, Any]:
    return {"limit": max(20, count * 2), used: count, "reserved": 0}


def _zone(name: str) -> Document:
    return {"zoneName": name, "zoneState": {"available": True}, "hosts": None}


def _flavor(cloud: CloudLayout, name: str) -> Document:
    vcpus, ram, disk = FLAVORS[name]
    return {
        "id": cloud.flavor_id(name),
        "name": name,
        "vcpus": vcpus,
        "ram": ram,
        "disk": disk,
        "swap": 0,
        "OS-FLV-EXT-DATA:ephemeral": 0,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": True,
        "rxtx_factor": 1.0,
        "description": None,
        "extra_specs": {},
    }


def _image(cloud: CloudLayout, version: str) -> Document:
    return {
        "id": cloud.image_id(version),
        "name": cloud.image_name(version),
        "status": "active",
        "visibility": "shared",
        "owner": cloud.project_id,
        "min_disk": 20,
        "min_ram": 0,
        "size": 2361393152,
        "disk_format": "qcow2",
        "container_format": "bare",
        "protected": False,
        "os_hidden": False,
        "os_hash_algo": "sha512",
        "os_hash_value": cloud.mint.digest("image", version).hex() * 2,
        "created_at": _BORN,
        "updated_at": _BORN,
        "tags": [],
    }


def _external_network(cloud: CloudLayout) -> Document:
    return {
        "id": cloud.id("network", "external"),
        "name": "public",
        "project_id": cloud.mint.hex_id("project", "admin"),
        "router:external": True,
        "shared": False,
        "mtu": 1500,
        "port_security_enabled": True,
        "subnets": [cloud.id("subnet", "external")],
        "status": "ACTIVE",
        "admin_state_up": True,
        "availability_zones": list(ZONES),
        "tags": [],
    }


def _external_subnet(cloud: CloudLayout) -> Document:
    return {
        "id": cloud.id("subnet", "external"),
        "name": "public-v4",
        "network_id": cloud.id("network", "external"),
        "project_id": cloud.mint.hex_id("project", "admin"),
        "cidr": EXTERNAL_CIDR,
        "ip_version": 4,
        "gateway_ip": "198.18.0.1",
        "dns_nameservers": [],
        "enable_dhcp": False,
        "allocation_pools": [{"start": "198.18.0.10", "end": "198.19.255.250"}],
        "host_routes": [],
        "tags": [],
    }
