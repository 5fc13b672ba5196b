"""The new runtime's programs, as the operator has them in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

from replank.domain.errors import Refused
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.plan.runtime_swap import BundleFile


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
                "Unpack containerd's release archive for the nodes' architecture there.",
                where=str(folder),
            )
        found.append(BundleFile(name=name, source=str(path.resolve()), sha256=_sha256(path)))
    return tuple(found)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
