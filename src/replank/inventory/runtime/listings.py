"""What the runtimes' clients list: images and containers. Room on disk, cgroup version, users of Docker."""

from __future__ import annotations

import json
import re
from typing import Any, Final, Literal

from replank.inventory.runtime.facts import DiskRoom, DockerUser, ImageInUse, OtherContainer
from replank.inventory.runtime.refusals import not_understood

_TODO: Final = "Report it with the version of the runtime; the fact stays unknown until then."
_SCHEMA1_LABEL: Final = "io.containerd.image/converted-docker-schema1"
_CALL: Final = re.compile(r"(?P<path>/[^:]+):(?P<line>[0-9]{1,7}):(?P<text>.*)", re.ASCII)
_ORDER: Final = ("Before", "After", "Wants", "Description", "Documentation")
"""Directives of a unit that may name docker.service and do not call Docker (systemd.unit(5))."""
_WORD: Final = re.compile(r"[A-Za-z0-9_./@{}$*-]{1,60}", re.ASCII)


def parse_crictl_images(text: str) -> tuple[ImageInUse, ...]:
    """`crictl images -o json`, sorted by ID. Raises `Refused` RP478."""
    images = _json(text, "crictl images").get("images", [])
    return tuple(sorted((_cri_image(entry) for entry in images), key=lambda image: image.id))


def parse_docker_images(text: str) -> tuple[ImageInUse, ...]:
    """`docker image inspect` of all images, sorted by ID. Raises `Refused` RP478."""
    entries = _json(text, "docker image inspect")
    if not isinstance(entries, list):
        raise not_understood("RP478", "docker image inspect", "it is no list", _TODO)
    images = []
    for entry in entries:
        with _Fields("docker image inspect"):
            images.append(
                ImageInUse(
                    id=str(entry["Id"]),
                    references=tuple(sorted(entry.get("RepoTags") or ())),
                    digests=tuple(sorted(entry.get("RepoDigests") or ())),
                    bytes=int(entry.get("Size") or 0),
                )
            )
    return tuple(sorted(images, key=lambda image: image.id))


def parse_docker_ps(text: str) -> tuple[OtherContainer, ...]:
    """Containers that no kubelet made, of `docker ps -a --no-trunc --format '{{json .}}'`, sorted by name.

    The kubelet labels all of its containers with io.kubernetes.pod.uid (dockershim, docker_service.go).
    Raises `Refused` RP478.
    """
    found = []
    for line in filter(str.strip, text.splitlines()):
        entry = _json(line, "docker ps")
        with _Fields("docker ps"):
            if "io.kubernetes.pod.uid=" in entry["Labels"]:
                continue
            running = entry["State"] in ("running", "paused", "restarting")
            found.append(
                OtherContainer(id=entry["ID"], name=entry["Names"], image=entry["Image"], running=running)
            )
    return tuple(sorted(found, key=lambda container: container.name))


def parse_df(text: str) -> DiskRoom:
    """`df -B1 --output=avail,size,target PATH`. Raises `Refused` RP478."""
    lines = [line.split(maxsplit=2) for line in text.strip().splitlines()]
    if len(lines) != 2 or len(lines[1]) != 3 or not (lines[1][0] + lines[1][1]).isdecimal():
        raise not_understood("RP478", "df", "it is no table of one file system", _TODO)
    free, total, mount = lines[1]
    return DiskRoom(mount=mount, free=int(free), total=int(total))


def parse_cgroup(text: str) -> Literal["v1", "v2"]:
    """`stat -fc %T /sys/fs/cgroup`: cgroup2fs is v2, tmpfs v1 (Kubernetes documentation, "About cgroup v2").

    Raises `Refused` RP478.
    """
    kind = text.strip()
    if kind not in ("cgroup2fs", "tmpfs"):
        raise not_understood("RP478", "stat /sys/fs/cgroup", "it is neither cgroup2fs nor tmpfs", _TODO)
    return "v2" if kind == "cgroup2fs" else "v1"


def parse_docker_users(text: str) -> tuple[DockerUser, ...]:
    """Lines that call docker, of `grep -rnIw docker` over cron's folders, units and scripts.

    Of a line only its first word is kept (a unit's `ExecStart=...` up to the sign), and that only if it is a
    plain word: the rest may hold a password. Comments are left out, and lines of units that only order them.
    Raises `Refused` RP478.
    """
    found: list[DockerUser] = []
    for entry in filter(str.strip, text.splitlines()):
        match = _CALL.fullmatch(entry)
        if match is None:
            raise not_understood("RP478", "grep", "a line is no path, number and text", _TODO)
        line = match["text"].strip()
        if line.startswith(("#", ";")) or not line:
            continue
        first = line.split()[0].partition("=")[0]
        word = first if _WORD.fullmatch(first) else ""
        if word in _ORDER and _kind(match["path"]) == "unit":
            continue
        found.append(
            DockerUser(kind=_kind(match["path"]), path=match["path"], line=int(match["line"]), word=word)
        )
    return tuple(sorted(found, key=lambda user: (user.path, user.line)))


def _kind(path: str) -> Literal["cron", "unit", "script"]:
    if "/cron" in path:
        return "cron"
    return "unit" if "/systemd/" in path else "script"


def _cri_image(entry: Any) -> ImageInUse:
    with _Fields("crictl images"):
        return ImageInUse(
            id=str(entry["id"]),
            references=tuple(sorted(entry.get("repoTags") or ())),
            digests=tuple(sorted(entry.get("repoDigests") or ())),
            bytes=int(entry.get("size") or 0),
            pinned=bool(entry.get("pinned", False)),
            schema1=_SCHEMA1_LABEL in str((entry.get("spec") or {}).get("annotations") or ""),
        )


def _json(text: str, command: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_understood("RP478", command, "it is not JSON", _TODO) from error


class _Fields:
    """Turns a missing or strange field into RP478. The names of fields are no secrets, their values are."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | AttributeError):
            raise not_understood("RP478", self.command, "a field is missing or strange", _TODO) from error
