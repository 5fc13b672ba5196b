"""Two small projects as OpenStack's services answer them, for the wire tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from replank.inventory.fleet.model import CloudRef
from replank.testbed.serve.openstack import OpenStackTwin
from replank.testbed.world import Project

PASSWORD = "planted-keystone-password"
SECRETS = (PASSWORD, "planted-user-data", "planted-metadata", "planted-fault-text", "planted-image-property")


def server(index: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"server-{index}",
        "name": f"cp-{index}",
        "status": "ACTIVE",
        "tenant_id": "project-1",
        "updated": f"2026-11-24T00:00:{index:02}Z",
        "metadata": {"kubespray_groups": "etcd,kube_control_plane", "note": "planted-metadata"},
        "tags": ["b", "a"],
        "key_name": "ops",
        "locked": index == 2,
        "config_drive": "True",
        "image": {"id": "image-1"},
        "flavor": {"original_name": "m1.large", "vcpus": 4, "ram": 8192, "disk": 40},
        "addresses": {
            "net": [
                {
                    "addr": f"10.0.0.{10 + index}",
                    "version": 4,
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": f"fa:16:3e:00:00:0{index}",
                },
                {"addr": f"203.0.113.{index}", "version": 4, "OS-EXT-IPS:type": "floating"},
            ]
        },
        "security_groups": [{"name": "nodes"}, {"name": "nodes"}],
        "OS-EXT-AZ:availability_zone": "az1",
        "OS-EXT-STS:task_state": None,
        "OS-EXT-SRV-ATTR:hostname": f"cp-{index}",
        "OS-EXT-SRV-ATTR:user_data": "planted-user-data",
        "fault": {"message": "planted-fault-text"},
        "os-extended-volumes:volumes_attached": [],
        **changes,
    }


def port(index: int) -> dict[str, Any]:
    mac = f"fa:16:3e:00:00:0{index}"
    return {
        "id": f"port-{index}",
        "name": "" if index == 3 else f"cp-{index}-port",
        "network_id": "net-1",
        "project_id": "project-1",
        "status": "ACTIVE",
        "admin_state_up": True,
        "device_id": f"server-{index}",
        "device_owner": "compute:az1",
        "mac_address": mac,
        "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": f"10.0.0.{10 + index}"}],
        "security_groups": ["group-1"],
        "allowed_address_pairs": [
            {"ip_address": "10.0.0.9", "mac_address": mac.upper()},
            {"ip_address": "10.0.0.8", "mac_address": "00:00:5e:00:01:01"},
        ],
        "port_security_enabled": True,
        "binding:vnic_type": "normal",
        "binding:profile": {},
        "tags": [],
        "updated_at": "2026-11-24T00:00:00Z",
    }


def _compute() -> dict[str, list[dict[str, Any]]]:
    volume = {"id": "volume-1", "delete_on_termination": True}
    return {
        "servers": [
            server(3, image="", **{"os-extended-volumes:volumes_attached": [volume]}),
            server(1),
            server(2),
        ],
        "flavors": [{"id": "flavor-1", "name": "m1.large", "vcpus": 4, "ram": 8192, "disk": 40}],
        "server_groups": [
            {"id": "sgroup-1", "name": "cp", "policy": "anti-affinity", "members": ["server-2", "server-1"]}
        ],
        "keypairs": [{"name": "ops", "public_key": "ssh-ed25519 AAAA", "fingerprint": "00"}, {"name": "b"}],
        "zones": [{"zoneName": "az1", "zoneState": {"available": True}, "hosts": None}],
    }


def _network() -> dict[str, list[dict[str, Any]]]:
    rule = {"security_group_id": "group-1", "direction": "ingress", "ethertype": "IPv4"}
    return {
        "networks": [
            {
                "id": "ext-1",
                "name": "public",
                "router:external": True,
                "shared": False,
                "project_id": "admin",
                "subnets": [],
            },
            {
                "id": "net-1",
                "name": "net",
                "router:external": False,
                "mtu": 1450,
                "project_id": "project-1",
                "subnets": ["subnet-1"],
            },
        ],
        "subnets": [
            {
                "id": "subnet-1",
                "name": "sub",
                "network_id": "net-1",
                "cidr": "10.0.0.0/24",
                "ip_version": 4,
                "gateway_ip": "10.0.0.1",
                "dns_nameservers": ["9.9.9.9", "1.1.1.1"],
                "enable_dhcp": True,
            }
        ],
        "ports": [
            port(2),
            port(1),
            port(3),
            {
                "id": "port-r",
                "name": "",
                "network_id": "net-1",
                "device_id": "router-1",
                "device_owner": "network:router_interface",
                "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": "10.0.0.1"}],
            },
        ],
        "routers": [{"id": "router-1", "name": "router", "external_gateway_info": {"network_id": "ext-1"}}],
        "floatingips": [
            {
                "id": "fip-1",
                "floating_ip_address": "203.0.113.1",
                "floating_network_id": "ext-1",
                "port_id": "port-1",
                "fixed_ip_address": "10.0.0.11",
                "status": "ACTIVE",
            }
        ],
        "security_groups": [
            {
                "id": "group-1",
                "name": "nodes",
                "security_group_rules": [
                    {**rule, "id": "rule-2", "protocol": None, "remote_group_id": "group-1"},
                    {
                        **rule,
                        "id": "rule-1",
                        "protocol": "tcp",
                        "port_range_min": 6443,
                        "port_range_max": 6443,
                        "remote_ip_prefix": "0.0.0.0/0",
                    },
                ],
            }
        ],
        "availability_zones": [
            {"name": "nz", "resource": "network", "state": "available"},
            {"name": "nz", "resource": "router", "state": "available"},
        ],
    }


def _load_balancer() -> dict[str, list[dict[str, Any]]]:
    return {
        "loadbalancers": [
            {
                "id": "lb-1",
                "name": "api",
                "project_id": "project-1",
                "vip_address": "10.0.0.9",
                "vip_port_id": "port-v",
                "vip_subnet_id": "subnet-1",
                "vip_network_id": "net-1",
                "provider": "amphora",
                "flavor_id": None,
                "provisioning_status": "ACTIVE",
                "operating_status": "ONLINE",
            }
        ],
        "listeners": [
            {
                "id": "listener-1",
                "name": "api-listener",
                "protocol": "TCP",
                "protocol_port": 6443,
                "default_pool_id": "pool-1",
                "allowed_cidrs": ["10.0.0.0/8", "0.0.0.0/0"],
                "timeout_client_data": 50000,
                "loadbalancers": [{"id": "lb-1"}],
            }
        ],
        "pools": [
            {
                "id": "pool-1",
                "name": "api-pool",
                "protocol": "TCP",
                "lb_algorithm": "ROUND_ROBIN",
                "loadbalancers": [{"id": "lb-1"}],
                "members_full": [
                    {
                        "id": f"member-{i}",
                        "name": f"cp-{i}",
                        "address": f"10.0.0.{10 + i}",
                        "protocol_port": 6443,
                        "subnet_id": None,
                        "weight": 1,
                    }
                    for i in (3, 1, 2)
                ],
            }
        ],
        "healthmonitors": [
            {
                "id": "monitor-1",
                "name": "m",
                "type": "TCP",
                "delay": 10,
                "timeout": 5,
                "max_retries": 3,
                "pools": [{"id": "pool-1"}],
            }
        ],
    }


def project() -> Project:
    return Project(
        cloud="prod",
        project_id="project-1",
        project_name="clusters",
        user_name="survey",
        password=PASSWORD,
        collections={
            "compute": _compute(),
            "network": _network(),
            "load-balancer": _load_balancer(),
            "image": {
                "images": [
                    {"id": "image-1", "name": "ubuntu", "status": "active", "visibility": "public"},
                    {
                        "id": "image-2",
                        "name": "old",
                        "status": "deactivated",
                        "os_hidden": True,
                        "secret": "planted-image-property",
                    },
                ]
            },
            "block-storage": {
                "volumes": [
                    {
                        "id": "volume-1",
                        "name": "",
                        "status": "in-use",
                        "size": 40,
                        "bootable": "true",
                        "availability_zone": "az1",
                        "attachments": [
                            {"server_id": "server-3", "attachment_id": "a", "device": "/dev/vda"}
                        ],
                        "volume_image_metadata": {"image_id": "image-2"},
                        "metadata": {"note": "planted-metadata"},
                    },
                    {
                        "id": "volume-2",
                        "name": "pvc-1",
                        "status": "available",
                        "size": 1,
                        "bootable": "false",
                        "metadata": {"cinder.csi.openstack.org/cluster": "kubernetes"},
                    },
                ],
                "zones": [{"zoneName": "nova", "zoneState": {"available": False}}],
            },
        },
        quotas={
            "compute": {"id": "project-1", "cores": {"limit": 100, "in_use": 12, "reserved": 0}},
            "network": {"port": {"limit": -1, "used": 4, "reserved": 0}},
            "block-storage": {"id": "project-1", "volumes": {"limit": 10, "in_use": 2, "reserved": 0}},
        },
    )


def other_project() -> Project:
    """Another project on the same cloud."""
    return Project(
        cloud="prod",
        project_id="project-2",
        project_name="others",
        user_name="other",
        password="planted-other-password",
        collections={"compute": {"servers": [server(9)]}, "network": {}, "image": {}},
    )


def clouds_yaml(folder: Path, twin: OpenStackTwin, **changes: str) -> CloudRef:
    """A clouds.yaml for `project()`; `changes` add settings of the cloud."""
    more = "".join(f"    {key}: {value}\n" for key, value in changes.items())
    path = folder / "clouds.yaml"
    path.write_text(
        f"clouds:\n  prod:\n    region_name: RegionOne\n{more}    auth:\n      auth_url: {twin.auth_url}\n"
        f"      username: survey\n      password: {PASSWORD}\n      project_name: clusters\n"
        "      user_domain_name: Default\n      project_domain_name: Default\n",
        encoding="utf-8",
    )
    return CloudRef(name="prod", clouds_yaml=str(path))
