"""The two images of the cloud: all services in one, and the load balancer."""

from __future__ import annotations

import os
from pathlib import Path

import docker

from proving_ground.engine import images
from proving_ground.images.base import ensure_base
from proving_ground.settings import HERE, Folders

NAME = "cloud"
LOCK = Path(__file__).parent / "requirements.lock"
DOCKERFILE = HERE / "images" / NAME / "Dockerfile"
PIP_SETTINGS = Path("/etc/pip.conf")
PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
"""How this host reaches its package index. Others name folders of this host, which a build does not have."""


def ensure_cloud(client: docker.DockerClient, folders: Folders) -> str:
    """The reference of the image with all services. Built anew when a driver changes; only its last layer
    is."""
    files: dict[str, images.Content] = {
        "Dockerfile": DOCKERFILE,
        "requirements.lock": LOCK,
        "pip.conf": PIP_SETTINGS if PIP_SETTINGS.exists() else b"",
        **images.files_below(Path(__file__).parent / "drivers", "drivers/"),
    }
    arguments = {name: os.environ[name] for name in PIP_VARIABLES if name in os.environ}
    return images.build(client, NAME, files, {"BASE": ensure_base(client, folders), **arguments})


def ensure_load_balancer(client: docker.DockerClient, folders: Folders) -> str:
    """The reference of the image of a load balancer."""
    files: dict[str, images.Content] = {"Dockerfile": HERE / "images" / "load-balancer" / "Dockerfile"}
    return images.build(client, "load-balancer", files, {"BASE": ensure_base(client, folders)})
