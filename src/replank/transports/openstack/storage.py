"""Cinder and Glance: volumes, volume zones, images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from replank.inventory.facts.openstack import AvailabilityZone, Image, Volume, VolumeAttachment
from replank.transports.openstack.compute import zones_of
from replank.transports.openstack.documents import Document, flag, get, inner, integer, list_all, text

if TYPE_CHECKING:
    from openstack.proxy import Proxy

# cloud-provider-openstack writes the cluster's name on every volume that its CSI driver makes
# (pkg/csi/cinder/driver.go, cinderCSIClusterIDKey).
CSI_CLUSTER_KEY: Final = "cinder.csi.openstack.org/cluster"


def list_volumes(service: Proxy) -> tuple[Volume, ...]:
    """Volumes of the project. `with_deletion` adds what Nova knows."""
    documents = list_all(service, "/volumes/detail", "volumes")
    return tuple(sorted((_volume(d) for d in documents), key=lambda v: v.id))


def with_deletion(volumes: Sequence[Volume], delete_on_termination: Mapping[str, bool]) -> tuple[Volume, ...]:
    """Volumes with whether Nova deletes them with their server; None for those on no server."""
    return tuple(replace(v, delete_on_termination=delete_on_termination.get(v.id)) for v in volumes)


def list_zones(service: Proxy) -> tuple[AvailabilityZone, ...]:
    """Volume zones."""
    return zones_of(list_all(service, "/os-availability-zone", "availabilityZoneInfo"), "volume")


def list_images(service: Proxy) -> tuple[Image, ...]:
    """Every image that the project may use.

    Glance's plain listing leaves out hidden and community images (Glance API v2, `os_hidden`, `visibility`),
    and clouds hide images when they rotate them: without them a server's image would look gone.
    """
    found: dict[str, Image] = {}
    for hidden in ("false", "true"):
        query = {"visibility": "all", "member_status": "all", "os_hidden": hidden, "limit": "500"}
        for document in list_all(service, "/images", "images", params=query):
            found[str(document["id"])] = _image(document)
    return tuple(found[id_] for id_ in sorted(found))


def find_image(service: Proxy, image_id: str) -> Image | None:
    """One image by its ID, which Glance shows also where no listing does; None = it does not exist."""
    from openstack.exceptions import NotFoundException

    try:
        return _image(get(service, f"/images/{quote(image_id, safe='')}"))
    except NotFoundException:
        return None


def merged(images: Iterable[Image], more: Iterable[Image | None]) -> tuple[Image, ...]:
    """Both, once each, sorted by ID."""
    found = {image.id: image for image in (*images, *more) if image is not None}
    return tuple(found[id_] for id_ in sorted(found))


def _image(document: Document) -> Image:
    return Image(
        id=str(document["id"]),
        name=text(document, "name"),
        status=str(document["status"]),
        min_disk_gib=integer(document, "min_disk"),
        visibility=text(document, "visibility"),
    )


def _volume(document: Document) -> Volume:
    attachments = (
        VolumeAttachment(
            server_id=text(a, "server_id"),
            device=text(a, "device"),
            attachment_id=text(a, "attachment_id"),
        )
        for a in document.get("attachments") or ()
    )
    return Volume(
        id=str(document["id"]),
        name=text(document, "name"),
        status=str(document["status"]),
        size_gib=integer(document, "size"),
        volume_type=text(document, "volume_type"),
        availability_zone=text(document, "availability_zone"),
        bootable=flag(document, "bootable"),
        image_id=text(inner(document, "volume_image_metadata"), "image_id"),
        attachments=tuple(sorted(attachments, key=lambda a: (a.server_id, a.device, a.attachment_id))),
        csi_cluster=text(inner(document, "metadata"), CSI_CLUSTER_KEY),
    )
