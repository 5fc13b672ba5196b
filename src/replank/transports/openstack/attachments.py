"""Nova's volume attachments of a server. Imported only inside functions."""

from __future__ import annotations

from typing import Any, Final

from openstack.utils import maximum_supported_microversion

from replank.transports.openstack.calls import Call

_DELETION_TOLD: Final = "2.79"
"""Nova's first microversion that tells `delete_on_termination` (api_version_history.rst). From 2.89 on the
attachments have no `id`, which nobody needs here."""


def attachments_of(call: Call, server_id: str) -> tuple[dict[str, Any], ...]:
    """`volumeId`, `device`, `delete_on_termination`, sorted by volume; empty where there is no such server.

    Raises the SDK's exceptions and `Unreadable`.
    """
    owner = (f"/servers/{server_id}", "server")
    version = maximum_supported_microversion(call.services.client("compute"), _DELETION_TOLD)
    found = call.parts("compute", owner, "os-volume_attachments", "volumeAttachments", microversion=version)
    if found and version != _DELETION_TOLD:
        # The server tells it from 2.3 (Kilo) on.
        server = call.read("compute", *owner)
        if server is None:
            return ()
        told = {
            volume["id"]: volume.get("delete_on_termination")
            for volume in server["os-extended-volumes:volumes_attached"]
        }
        found = [{**volume, "delete_on_termination": told.get(volume["volumeId"])} for volume in found]
    return tuple(sorted(found or (), key=lambda volume: str(volume["volumeId"])))
