"""Machine images: a Glance image says by a property which Docker image its servers boot from."""

from __future__ import annotations

import io
from typing import Any

from openstack.image.v2._proxy import Proxy as Glance

from proving_ground.cloud.connect import connect
from proving_ground.settings import Folders

REFERENCE = "docker_image"
"""The property that the Nova driver reads."""


def register_image(name: str, docker_reference: str, folders: Folders, os_distro: str = "debian") -> str:
    """An image of that name and those properties, made or corrected. Returns its id. Its content is one
    byte."""
    properties: dict[str, Any] = {REFERENCE: docker_reference, "os_distro": os_distro}
    with connect(folders, "ground-admin") as cloud:
        proxy = cloud.image
        assert isinstance(proxy, Glance)  # not version 1 of the API
        image = proxy.find_image(name)
        if image is None:
            image = proxy.create_image(
                name,
                data=io.BytesIO(b"\0"),
                container_format="bare",
                disk_format="raw",
                visibility="public",
                wait=True,
                validate_checksum=False,
                **properties,
            )
        elif any(
            image.properties.get(key, getattr(image, key, None)) != value for key, value in properties.items()
        ):
            # The SDK asks Glance to remove every property that is not named again.
            proxy.update_image(image, **{**image.properties, **properties})
        return str(image.id)
