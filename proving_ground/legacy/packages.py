"""The machine image on which a legacy cluster's playbooks begin, made when a cluster asks for it."""

from __future__ import annotations

from proving_ground import cloud, images
from proving_ground.engine import docker_engine
from proving_ground.progress import Progress
from proving_ground.settings import Folders
from proving_ground.toolchain import build


def ensure(folders: Folders, kubernetes: str, progress: Progress) -> None:
    """Builds what is missing of an on-demand version and registers its image in the cloud; a version that
    `ground-up` makes is left alone. Compiling Kubernetes takes 6 to 15 minutes of two cores, the image two.

    Raises `GroundError` of the first part that cannot be built.
    """
    if kubernetes not in images.ON_DEMAND:
        return
    for group in images.toolchain_groups(kubernetes):
        if not build.is_built(folders, group):
            with progress.step(f"toolchain {group}"):
                build.build(folders, group)
    client = docker_engine.connect()
    bare = images.bare(client, folders, progress, kubernetes)
    cloud.register_image(images.glance_bare_name(kubernetes), bare, folders)
