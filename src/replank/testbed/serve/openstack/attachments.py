"""Nova's volume attachments, made of what its servers and Cinder's volumes say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from replank.testbed.serve.openstack.listing import one
from replank.testbed.world import Document

# nova/api/openstack/compute/rest_api_version_history.rst
_DELETION_TOLD: Final = (2, 79)
_NO_ID: Final = (2, 89)


def attachments(server: Document, volumes: Sequence[Document], version: tuple[int, int]) -> list[Document]:
    """What GET /servers/<id>/os-volume_attachments lists in microversion `version`.

    The device is Cinder's; a volume that Cinder does not have has none.
    """
    found = []
    for attached in server.get("os-extended-volumes:volumes_attached", []):
        volume = one(volumes, attached["id"]) or {}
        places = volume.get("attachments", [])
        place: Document = next((p for p in places if p["server_id"] == server["id"]), {})
        document = {"volumeId": attached["id"], "serverId": server["id"], "device": place.get("device")}
        if version < _NO_ID:
            document["id"] = attached["id"]
        if version >= _DELETION_TOLD:
            document["delete_on_termination"] = attached.get("delete_on_termination", False)
        found.append(document)
    return found
