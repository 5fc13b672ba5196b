"""Images of the log agent and of the writer of numbered lines. They are not in the machine images: a scenario
that counts lines brings them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from proving_ground.images.docker_archive import Image, write, write_layer
from proving_ground.settings import Folders
from proving_ground.toolchain.groups import binary, group

GROUPS = ("log-agent", "numbered-lines")
AGENT_IMAGE = "replank-ground/opentelemetry-collector:0.149.0"
"""Named as upstream's are: replank knows an agent, and its version, by its image."""

WRITER_IMAGE = "replank-ground/numbered-lines:1"
_REFERENCES = {"log-agent": AGENT_IMAGE, "numbered-lines": WRITER_IMAGE}


def archive(folders: Folders) -> Path:
    """A docker-archive with both images, made where it is missing.

    Raises `GroundError` where a toolchain group is not built."""
    key = hashlib.sha256("".join(group(name).key for name in GROUPS).encode()).hexdigest()[:16]
    file = folders.cache / "images" / f"log-lines-{key}.tar"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        images = []
        for name in GROUPS:
            place = f"usr/local/bin/{name}"
            layer = write_layer(file.with_name(f"{name}.layer"), {place: binary(folders, name, name)})
            images.append(Image(_REFERENCES[name], (layer,), (f"/{place}",)))
        write(file, images)
        for image in images:
            image.layers[0].file.unlink()
    return file
