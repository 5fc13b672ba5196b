"""Keypair, server group, ports and instances, as state has them.

What terraform-provider-openstack really keeps: `user_data` as SHA-1, a port's `fixed_ip` and
`security_group_ids` as the configuration wrote them, `device_id` of the last refresh, `port` "" in an
instance's network where Nova made the port, and no ID of a root volume that Nova made.
"""

from __future__ import annotations

from replank.testbed.fleet.cloud.network import security_group_id
from replank.testbed.fleet.cloud.servers import ROOT_VOLUME_GIB, keypair_name, metadata, user_data_sha1
from replank.testbed.fleet.layout import REGION, ClusterLayout, MachineLayout
from replank.testbed.fleet.state.claim import Claim, Member, Part, single
from replank.testbed.world import Document

BOOT_FROM_VOLUME = "Attempt to boot from volume - no image supplied"


def machine_claims(layout: ClusterLayout) -> list[Claim]:
    """Keypair, server group, and ports and instances by role and group."""
    found = [_keypair(layout), _server_group(layout)]
    found += _role_claims(layout, layout.control_planes, "control_plane", "control_plane", "")
    for group in layout.spec.workers:
        machines = tuple(m for m in layout.workers if m.group is group)
        name = group.name.replace("-", "_")
        found += _role_claims(layout, machines, name, "workers", group.name)
    return found


def _role_claims(
    layout: ClusterLayout, machines: tuple[MachineLayout, ...], name: str, part: Part, group: str
) -> list[Claim]:
    found = []
    needs = ["openstack_compute_keypair_v2.ops", "openstack_networking_network_v2.cluster"]
    explicit = [m for m in machines if m.ports == "explicit"]
    if explicit:
        found.append(
            Claim(
                type="openstack_networking_port_v2",
                name=name,
                part=part,
                group=group,
                members=tuple(Member(key=m.name, attributes=_port(layout, m)) for m in explicit),
                many=True,
                needs=("openstack_networking_network_v2.cluster", "openstack_networking_subnet_v2.cluster"),
            )
        )
        needs.append(f"openstack_networking_port_v2.{name}")
    found.append(
        Claim(
            type="openstack_compute_instance_v2",
            name=name,
            part=part,
            group=group,
            members=tuple(
                Member(key=m.name, attributes=_instance(layout, m), sensitive=("admin_pass",))
                for m in machines
            ),
            many=True,
            needs=tuple(needs),
        )
    )
    return found


def _keypair(layout: ClusterLayout) -> Claim:
    name = keypair_name(layout)
    attributes: Document = {
        "id": name,
        "name": name,
        "region": REGION,
        "public_key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{layout.name} ops",
        "private_key": "",
        "fingerprint": "",
        "user_id": "",
        "value_specs": None,
    }
    return single("openstack_compute_keypair_v2", "ops", "root", attributes)


def _server_group(layout: ClusterLayout) -> Claim:
    attributes: Document = {
        "id": layout.id("server-group"),
        "name": f"{layout.name}-control-plane",
        "members": [m.server_id for m in layout.control_planes],
        "policies": ["anti-affinity"],
        "rules": [{"max_server_per_host": 0}],
        "region": REGION,
        "value_specs": None,
    }
    return single("openstack_compute_servergroup_v2", "control_plane", "control_plane", attributes)


def _port(layout: ClusterLayout, machine: MachineLayout) -> Document:
    group = security_group_id(layout, machine.role)
    pairs = []
    if layout.spec.load_balancer == "keepalived" and machine.control_plane:
        pairs = [{"ip_address": layout.vip, "mac_address": ""}]
    return {
        "id": machine.port_id,
        "name": machine.port_name,
        "network_id": layout.id("network"),
        "region": REGION,
        "tenant_id": layout.cloud.project_id,
        "admin_state_up": True,
        "mac_address": machine.mac,
        "device_id": machine.server_id,
        "device_owner": f"compute:{machine.zone}",
        "fixed_ip": [{"ip_address": "", "subnet_id": layout.id("subnet")}],
        "no_fixed_ip": None,
        "all_fixed_ips": [machine.address],
        "security_group_ids": [group],
        "no_security_groups": None,
        "all_security_group_ids": [group],
        "allowed_address_pairs": pairs,
        "port_security_enabled": True,
        "qos_policy_id": "",
        "binding": [
            {
                "host_id": "",
                "profile": "{}",
                "vif_details": {},
                "vif_type": "",
                "vnic_type": "normal",
            }
        ],
        "dns_name": "",
        "dns_assignment": [],
        "extra_dhcp_option": [],
        "description": "",
        "tags": [],
        "all_tags": [],
        "timeouts": None,
        "value_specs": None,
    }


def _instance(layout: ClusterLayout, machine: MachineLayout) -> Document:
    cloud = layout.cloud
    version = layout.spec.version
    from_volume = machine.boot == "volume"
    tags = metadata(layout, machine)
    attributes: Document = {
        "id": machine.server_id,
        "name": machine.name,
        "region": REGION,
        "image_id": BOOT_FROM_VOLUME if from_volume else cloud.image_id(version),
        "image_name": None if from_volume else cloud.image_name(version),
        "flavor_id": cloud.flavor_id(machine.flavor),
        "flavor_name": machine.flavor,
        "user_data": user_data_sha1(layout, machine),
        "admin_pass": layout.secret("admin-pass", machine.name),
        "availability_zone": machine.zone,
        "availability_zone_hints": None,
        "key_pair": keypair_name(layout),
        "config_drive": True,
        "security_groups": [f"{layout.name}-{machine.role}"],
        "metadata": tags,
        "all_metadata": tags,
        "network": [
            {
                "access_network": False,
                "fixed_ip_v4": machine.address,
                "fixed_ip_v6": "",
                "mac": machine.mac,
                "name": layout.name,
                "port": machine.port_id if machine.ports == "explicit" else "",
                "uuid": layout.id("network"),
            }
        ],
        "block_device": [],
        "scheduler_hints": [],
        "personality": [],
        "access_ip_v4": machine.address,
        "access_ip_v6": "",
        "created": f"{layout.timestamp(60)[:-1]} +0000 UTC",
        "updated": f"{layout.timestamp(180)[:-1]} +0000 UTC",
        "power_state": "active",
        "force_delete": False,
        "stop_before_destroy": False,
        "hypervisor_hostname": "",
        "network_mode": None,
        "tags": [],
        "all_tags": [],
        "timeouts": None,
        "vendor_options": [],
    }
    if machine.control_plane:
        hint = {"group": layout.id("server-group"), "different_host": [], "same_host": [], "query": []}
        attributes["scheduler_hints"] = [hint]
    if from_volume:
        attributes["block_device"] = [
            {
                "boot_index": 0,
                "delete_on_termination": False,
                "destination_type": "volume",
                "device_type": "",
                "disk_bus": "",
                "guest_format": "",
                "multiattach": False,
                "source_type": "image",
                "uuid": cloud.image_id(version),
                "volume_size": ROOT_VOLUME_GIB,
                "volume_type": "",
            }
        ]
    return attributes
