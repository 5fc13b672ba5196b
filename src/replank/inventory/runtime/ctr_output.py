"""What containerd's own client prints (containerd 1.6 to 2.3, cmd/ctr/commands)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from replank.inventory.runtime.facts import ImageInUse, OtherContainer
from replank.inventory.runtime.refusals import not_understood

_IMAGE: Final = re.compile(
    r"(?P<ref>\S+) +(?P<type>\S+) +(?P<digest>sha256:[0-9a-f]{64}) +"
    r"(?P<size>[0-9]{1,6}[.][0-9] (?:[KMGTPEZY]i)?B) +(?P<platforms>\S+) +(?P<labels>.*?) *",
    re.ASCII,
)
_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
_PINNED: Final = "io.cri-containerd.pinned=pinned"
_SCHEMA1: Final = "io.containerd.image/converted-docker-schema1"
_TODO: Final = "Report it with containerd's version; the fact stays unknown until then."


def parse_ctr_version(text: str) -> str:
    """The server's version in `ctr version`: `1.7.29`. Raises `Refused` RP478."""
    match = re.search(r"^Server:\s*^ +Version: +v?([0-9]\S*)$", text, flags=re.M | re.ASCII)
    if match is None:
        raise not_understood("RP478", "ctr version", "it names no server's version", _TODO)
    return match[1]


def parse_ctr_images(text: str) -> tuple[ImageInUse, ...]:
    """`ctr images ls` of the kubelet's namespace, sorted by ID. Raises `Refused` RP478.

    The CRI plugin keeps each image under its tag, its digest and its ID; all three have one target. Sizes are
    rounded to a tenth of their unit, and are those of this machine's platform.
    """
    images: dict[str, _Names] = {}
    for match in _rows(text, _IMAGE, "REF", "ctr images ls"):
        images.setdefault(match["digest"], _Names()).add(match)
    return tuple(sorted((names.image(digest) for digest, names in images.items()), key=lambda i: i.id))


class _Names:
    """All names of one image."""

    def __init__(self) -> None:
        self.id, self.bytes, self.labels = "", 0, ""
        self.references: list[str] = []
        self.digests: list[str] = []

    def add(self, row: re.Match[str]) -> None:
        name = row["ref"]
        if name.startswith("sha256:"):
            self.id = name
        else:
            (self.digests if "@" in name else self.references).append(name)
        number, unit = row["size"].split(" ")
        self.bytes = max(self.bytes, round(float(number) * 1024 ** _UNITS.index(unit)))
        self.labels += f",{row['labels']}"

    def image(self, digest: str) -> ImageInUse:
        return ImageInUse(
            id=self.id or digest,
            references=tuple(sorted(self.references)),
            digests=tuple(sorted(self.digests)),
            bytes=self.bytes,
            pinned=_PINNED in self.labels.split(","),
            schema1=_SCHEMA1 in self.labels,
        )


def parse_namespaces(text: str) -> tuple[str, ...]:
    """`ctr namespaces ls -q`."""
    return tuple(sorted(text.split()))


def parse_ctr_containers(namespace: str, containers: str, tasks: str) -> tuple[OtherContainer, ...]:
    """Containers of a namespace with their tasks, sorted by name, of `containers ls` and `tasks ls`.

    A task is there while the container's process is not deleted; RUNNING and PAUSED hold it. Raises `Refused`
    RP478.
    """
    task = re.compile(r"(?P<id>\S+) +[0-9]+ +(?P<status>[A-Z]+) *")
    running = {
        match["id"]
        for match in _rows(tasks, task, "TASK", "ctr tasks ls")
        if match["status"] in ("RUNNING", "PAUSED", "PAUSING")
    }
    row = re.compile(r"(?P<id>\S+) +(?P<image>\S+) +(?P<runtime>\S+) *")
    found = [
        OtherContainer(
            id=match["id"],
            name=f"{namespace}/{match['id'][:12] if len(match['id']) == 64 else match['id']}",
            image="" if match["image"] == "-" else match["image"],
            running=match["id"] in running,
        )
        for match in _rows(containers, row, "CONTAINER", "ctr containers ls")
    ]
    return tuple(sorted(found, key=lambda container: container.name))


def parse_deprecations(text: str) -> tuple[str, ...]:
    """`ctr deprecations list --format json`: IDs, sorted. Nothing is printed where there is none.

    Raises `Refused` RP478.
    """
    if not text.strip():
        return ()
    try:
        return tuple(sorted(str(entry["id"]) for entry in json.loads(text)))
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise not_understood("RP478", "ctr deprecations list", "it is no list of warnings", _TODO) from error


def _rows(text: str, pattern: re.Pattern[str], head: str, command: str) -> Iterator[re.Match[str]]:
    """The rows below the table's head. Raises `Refused` RP478 for anything else."""
    lines = text.splitlines()
    if not lines or not lines[0].startswith(head):
        raise not_understood("RP478", command, "it is no table", _TODO)
    for line in filter(str.strip, lines[1:]):
        match = pattern.fullmatch(line)
        if match is None:
            raise not_understood("RP478", command, "a row has another shape", _TODO)
        yield match
