"""What dockerd says of itself, and the sandboxes that run on it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from replank.inventory.runtime.facts import ImageInUse
from replank.inventory.runtime.listings import parse_docker_images
from replank.inventory.runtime.refusals import not_understood

_SANDBOX: Final = "io.kubernetes.docker.type=podsandbox"
_NONE: Final = "<none>"
_TODO: Final = "Report it with Docker's version; the fact stays unknown until then."


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerInfo:
    """The part of `docker info` that is kept. Registries and proxies in it may hold logins: left out."""

    version: str
    storage_driver: str
    data_root: str
    cgroup_driver: str


def parse_docker_info(text: str) -> DockerInfo:
    """`docker info --format '{{json .}}'`. Raises `Refused` RP478, also where the daemon did not answer."""
    document = _object(text, "docker info")
    names = ("ServerVersion", "Driver", "DockerRootDir", "CgroupDriver")
    version, driver, root, cgroup = (document.get(name) for name in names)
    # The client prints what it knows and exits with 0 where it met no daemon; older ones write no list then.
    if not all(isinstance(value, str) and value for value in (version, driver, root, cgroup)):
        raise not_understood("RP478", "docker info", "it names no version, driver and data root", _TODO)
    return DockerInfo(
        version=str(version), storage_driver=str(driver), data_root=str(root), cgroup_driver=str(cgroup)
    )


def parse_image_list(text: str) -> tuple[ImageInUse, ...]:
    """`GET /images/json` of Docker's API (v1.41 to v1.51), sorted by ID. Raises `Refused` RP478.

    It names what has no tag `<none>:<none>` where `docker image inspect` gives an empty list.
    """
    found = []
    for image in parse_docker_images(text):
        references = tuple(name for name in image.references if not name.startswith(_NONE))
        digests = tuple(name for name in image.digests if not name.startswith(_NONE))
        found.append(ImageInUse(id=image.id, references=references, digests=digests, bytes=image.bytes))
    return tuple(found)


def sandbox_image(text: str) -> str:
    """The image that most sandboxes run, of `docker ps` as JSON lines; "" if there is no sandbox.

    dockershim and cri-dockerd label their sandboxes alike (cri-dockerd v0.3, core/docker_service.go).
    Raises `Refused` RP478.
    """
    counted: Counter[str] = Counter()
    for line in filter(str.strip, text.splitlines()):
        entry = _object(line, "docker ps")
        if _SANDBOX in str(entry.get("Labels", "")).split(","):
            counted[str(entry.get("Image", ""))] += 1
    return min(counted, key=lambda image: (-counted[image], image)) if counted else ""


def _object(text: str, command: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_understood("RP478", command, "it is not JSON", _TODO) from error
    if not isinstance(document, dict):
        raise not_understood("RP478", command, "it is no JSON object", _TODO)
    return document
