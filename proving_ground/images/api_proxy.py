"""The image of the proxy to the API servers on workers of a Kubespray-like cluster. It is not in the machine
images: the playbooks bring it, as Kubespray brings its own."""

from __future__ import annotations

from pathlib import Path

from proving_ground.images.docker_archive import Image, write, write_layer
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary, group

GROUP = "nginx-proxy"
REFERENCE = "replank-ground/nginx-proxy:1"


def archive(folders: Folders) -> Path:
    """A docker-archive with the image, made where it is missing.

    Raises `GroundError` where the toolchain group is not built."""
    file = folders.cache / "images" / f"{GROUP}-{group(GROUP).key}.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        place = "usr/local/bin/nginx-proxy"
        layer = write_layer(file.with_suffix(".layer"), {place: binary(folders, GROUP, "nginx-proxy")})
        write(file, [Image(REFERENCE, (layer,), (f"/{place}",))])
        layer.file.unlink()
    return file
