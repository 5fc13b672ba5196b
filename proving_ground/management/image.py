"""The one image that holds every program of a management plane."""

from __future__ import annotations

import docker

from proving_ground.engine import images
from proving_ground.management.managers import KUBERNETES, MANAGERS
from proving_ground.settings import HERE, Folders
from proving_ground.toolchain.groups import binary


def build(client: docker.DockerClient, folders: Folders) -> str:
    """The image's reference, made where it is missing. Raises `GroundError` where a binary was not built."""
    files: dict[str, images.Content] = {
        "Dockerfile": HERE / "images" / "management" / "Dockerfile",
        "etcd": binary(folders, "etcd", "etcd"),
        "kube": binary(folders, KUBERNETES, "kube"),
        **{manager.name: binary(folders, manager.source, manager.name) for manager in MANAGERS},
    }
    return images.build(client, "management", files)
