"""Container images inside a machine image: a machine starts with them, and shares them with the others."""

from __future__ import annotations

from pathlib import Path

import docker
from docker.errors import ImageNotFound

from proving_ground.engine.images import content_hash, files_below
from proving_ground.errors import GroundError
from proving_ground.settings import LABEL

SCRIPTS = Path(__file__).parent / "machine" / "preload"
_LIMIT_S = 600


def preload(client: docker.DockerClient, name: str, machine: str, images: Path) -> str:
    """The machine image `machine` with a docker-archive in containerd's store; returns its reference.

    Docker's builder cannot do it, since a build step may not mount. So a container runs preload.sh, and what
    it leaves is committed as one more layer. The tag is a hash of what went in, and is set last.
    """
    inputs = {"machine": machine, "images": images.name}
    repository, tag = f"replank-ground/{name}", content_hash(files_below(SCRIPTS), inputs)[:16]
    reference = f"{repository}:{tag}"
    try:
        client.images.get(reference)
        return reference
    except ImageNotFound:
        pass
    container = client.containers.create(
        machine,
        ["sh", "/run/preload/scripts/preload.sh"],
        network_mode="none",
        cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        # Below a tmpfs, so that no mount point stays in the image.
        tmpfs={"/run": "exec"},
        volumes=[
            "/run/preload/store",
            f"{SCRIPTS}:/run/preload/scripts:ro",
            f"{images}:/run/preload/images.tar:ro",
        ],
        labels={LABEL: f"image-{name}"},
    )
    try:
        container.start()
        status = container.wait(timeout=_LIMIT_S)["StatusCode"]
        if status:
            raise GroundError(
                f"image {name}",
                f"preloading of container images ended with {status}",
                "Read the lines above.",
                container.logs(tail=25).decode(errors="replace"),
            )
        container.commit(
            repository,
            tag,
            changes=['CMD ["/usr/local/sbin/machine-init"]', f"LABEL {LABEL}=image-{name}"],
        )
    finally:
        container.remove(force=True, v=True)
    return reference
