"""The new runtime's programs, as the operator has them: a folder, a release archive, or the URL of one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from replank.app.bundle_archives import fetched, unpacked
from replank.domain.errors import Refused
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.plan.runtime_swap import BundleFile, PlannedArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """`archive`: what the files were unpacked from, None = they were in a folder."""

    files: tuple[BundleFile, ...]
    archive: PlannedArchive | None = None


def bundle_of(given: str, kept: Path) -> Bundle:
    """What `--bundle` names. `kept`: a folder for what is unpacked, which `apply` reads later.

    Raises `Refused` RP001, RP038, RP039, RP068, RP092.
    """
    if "://" in given:
        archive, path = fetched(given, kept)
    elif Path(given).is_dir():
        return Bundle(files=read_bundle(Path(given)))
    elif Path(given).is_file():
        path = Path(given).resolve()
        archive = PlannedArchive(source=str(path), sha256=sha256_of(path))
    else:
        raise Refused(
            "RP038",
            "There is no such bundle",
            "it is no folder, no file, and no URL",
            "Give a folder with containerd's programs, its release archive, or the URL of one.",
            where=given,
        )
    return Bundle(files=read_bundle(unpacked(path, kept / archive.sha256)), archive=archive)


def read_bundle(folder: Path) -> tuple[BundleFile, ...]:
    """The programs in `folder`, or in its `bin`, as containerd's archives have them.

    Raises `Refused` RP038.
    """
    found = []
    for name in BUNDLE:
        path = next((p for p in (folder / name, folder / "bin" / name) if p.is_file()), None)
        if path is None:
            raise Refused(
                "RP038",
                "The bundle is not complete",
                f"neither {name} nor bin/{name} is in it",
                "Give containerd's release archive for the nodes' architecture, or a folder with it.",
                where=str(folder),
            )
        found.append(BundleFile(name=name, source=str(path.resolve()), sha256=sha256_of(path)))
    return tuple(found)


def sha256_of(path: Path) -> str:
    """Hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
