"""A cluster's Nova servers, keypair and server group, with their root volumes where they boot from one."""

from __future__ import annotations

import base64
import hashlib

from replank.testbed.fleet.layout import FLAVORS, ClusterLayout, MachineLayout
from replank.testbed.world import Document, Project

ROOT_VOLUME_GIB = 40


def add_servers(project: Project, layout: ClusterLayout) -> None:
    """Appends servers, keypair, server group and root volumes."""
    compute = project.collections["compute"]
    compute["servers"] += [_server(layout, machine) for machine in layout.machines]
    compute["keypairs"].append(
        {
            "name": keypair_name(layout),
            "type": "ssh",
            "fingerprint": ":".join(
                f"{byte:02x}" for byte in layout.mint.digest("keypair", layout.name)[:16]
            ),
            "public_key": f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{layout.name} ops",
        }
    )
    compute["server_groups"].append(
        {
            "id": layout.id("server-group"),
            "name": f"{layout.name}-control-plane",
            "policy": "anti-affinity",
            "rules": {"max_server_per_host": 1},
            "members": [machine.server_id for machine in layout.control_planes],
            "project_id": layout.cloud.project_id,
            "user_id": layout.cloud.mint.hex_id("user", layout.cloud.name),
        }
    )
    project.collections["block-storage"]["volumes"] += [
        _root_volume(layout, machine) for machine in layout.machines if machine.boot == "volume"
    ]


def keypair_name(layout: ClusterLayout) -> str:
    """The keypair of the cluster's servers."""
    return f"{layout.name}-ops"


def user_data(layout: ClusterLayout, machine: MachineLayout) -> str:
    """cloud-init's user data with what such files hold: a join token, a password, a registry login."""
    token_id, token = layout.mint.bootstrap_token("cluster", layout.name)
    verb = "init" if machine.control_plane and machine.index == 0 else f"join {layout.endpoint}"
    return "\n".join(
        [
            "#cloud-config",
            f"hostname: {machine.name}",
            "chpasswd:",
            f"  list: ubuntu:{layout.secret('user-data', 'password')}",
            "write_files:",
            "- path: /etc/containerd/certs.d/login",
            f"  content: {layout.secret('user-data', 'registry')}",
            "runcmd:",
            f"- kubeadm {verb} --token {token_id}.{token}",
            "",
        ]
    )


def user_data_sha1(layout: ClusterLayout, machine: MachineLayout) -> str:
    """What terraform-provider-openstack keeps of the user data."""
    return hashlib.sha1(user_data(layout, machine).encode(), usedforsecurity=False).hexdigest()


def metadata(layout: ClusterLayout, machine: MachineLayout) -> dict[str, str]:
    """Server metadata: the role, and a value nobody should have put there."""
    return {
        "cluster": layout.name,
        "role": machine.role,
        "monitoring_password": layout.secret("metadata", machine.name),
    }


def _server(layout: ClusterLayout, machine: MachineLayout) -> Document:
    vcpus, ram, disk = FLAVORS[machine.flavor]
    data = base64.b64encode(user_data(layout, machine).encode()).decode()
    layout.mint.planted.append(data)
    from_volume = machine.boot == "volume"
    return {
        "id": machine.server_id,
        "name": machine.name,
        "status": "ACTIVE",
        "tenant_id": layout.cloud.project_id,
        "user_id": layout.cloud.mint.hex_id("user", layout.cloud.name),
        "created": layout.timestamp(60),
        "updated": layout.timestamp(180),
        "metadata": metadata(layout, machine),
        "tags": [],
        "key_name": keypair_name(layout),
        "locked": False,
        "locked_reason": None,
        "description": machine.name,
        "config_drive": "True",
        "image": "" if from_volume else {"id": layout.cloud.image_id(layout.spec.version), "links": []},
        "flavor": {
            "original_name": machine.flavor,
            "vcpus": vcpus,
            "ram": ram,
            "disk": disk,
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": {},
        },
        "addresses": {
            layout.name: [
                {
                    "addr": machine.address,
                    "version": 4,
                    "OS-EXT-IPS:type": "fixed",
                    "OS-EXT-IPS-MAC:mac_addr": machine.mac,
                }
            ]
        },
        "security_groups": [{"name": f"{layout.name}-{machine.role}"}],
        "server_groups": [layout.id("server-group")] if machine.control_plane else [],
        "hostId": layout.mint.digest("hypervisor", machine.name).hex()[:56],
        "progress": 0,
        "accessIPv4": "",
        "accessIPv6": "",
        "OS-DCF:diskConfig": "MANUAL",
        "OS-EXT-AZ:availability_zone": machine.zone,
        "OS-EXT-STS:task_state": None,
        "OS-EXT-STS:vm_state": "active",
        "OS-EXT-STS:power_state": 1,
        "OS-SRV-USG:launched_at": layout.timestamp(70)[:-1] + ".000000",
        "OS-SRV-USG:terminated_at": None,
        "OS-EXT-SRV-ATTR:hostname": machine.name,
        "OS-EXT-SRV-ATTR:user_data": data,
        "adminPass": layout.secret("admin-pass", machine.name),
        "os-extended-volumes:volumes_attached": (
            [{"id": machine.root_volume_id, "delete_on_termination": False}] if from_volume else []
        ),
    }


def _root_volume(layout: ClusterLayout, machine: MachineLayout) -> Document:
    return {
        "id": machine.root_volume_id,
        "name": f"{machine.name}-disk",
        "status": "in-use",
        "size": ROOT_VOLUME_GIB,
        "volume_type": "ssd",
        "availability_zone": "nova",
        "bootable": "true",
        "attachments": [
            {
                "id": machine.root_volume_id,
                "server_id": machine.server_id,
                "attachment_id": layout.id("attachment", machine.root_volume_id),
                "device": "/dev/vda",
                "volume_id": machine.root_volume_id,
            }
        ],
        "metadata": {},
        "volume_image_metadata": {
            "image_id": layout.cloud.image_id(layout.spec.version),
            "image_name": layout.cloud.image_name(layout.spec.version),
        },
    }
