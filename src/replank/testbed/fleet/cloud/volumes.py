"""Cinder volumes that the CSI driver made for PersistentVolumes."""

from __future__ import annotations

from replank.testbed.fleet.layout import ClusterLayout, MachineLayout
from replank.testbed.world import Document, Project

CLAIM_GIB = 10


def add_claim_volume(project: Project, layout: ClusterLayout, claim: str, machine: MachineLayout) -> None:
    """The volume behind the claim `namespace/name`, attached to `machine` (cinder CSI plugin's naming)."""
    id = volume_id(layout, claim)
    namespace, name = claim.split("/")
    document: Document = {
        "id": id,
        "name": persistent_volume_name(layout, claim),
        "status": "in-use",
        "size": CLAIM_GIB,
        "volume_type": "ssd",
        "availability_zone": "nova",
        "bootable": "false",
        "attachments": [
            {
                "id": id,
                "server_id": machine.server_id,
                "attachment_id": layout.id("attachment", id),
                "device": "/dev/vdb",
                "volume_id": id,
            }
        ],
        "metadata": {
            "cinder.csi.openstack.org/cluster": layout.name,
            "csi.storage.k8s.io/pvc/name": name,
            "csi.storage.k8s.io/pvc/namespace": namespace,
        },
    }
    project.collections["block-storage"]["volumes"].append(document)
    for server in project.collections["compute"]["servers"]:
        if server["id"] == machine.server_id:
            server["os-extended-volumes:volumes_attached"].append({"id": id, "delete_on_termination": False})


def volume_id(layout: ClusterLayout, claim: str) -> str:
    """Cinder ID, which is the PersistentVolume's volumeHandle."""
    return layout.id("volume", claim)


def persistent_volume_name(layout: ClusterLayout, claim: str) -> str:
    """`pvc-<UID of the claim>`, the name of the PersistentVolume and of the Cinder volume."""
    return f"pvc-{layout.id('claim', claim)}"
