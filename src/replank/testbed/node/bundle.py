"""What stands in for containerd's release archive: a twin's nodes need no program that runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from replank.inventory.hosts.swap_commands import BUNDLE

_STAND_IN: Final = """#!/bin/sh
# Stands in for {name} of containerd {version} on the nodes of replank's twin, which read the version here
# and do themselves what it would do. Real nodes get containerd's own release archive.
echo "this is no {name}, it only stands in for one" >&2
exit 1
"""


def write_bundle(folder: Path, version: str) -> Path:
    """Makes `folder` with one file for each program of containerd `version`, and returns it."""
    folder.mkdir(parents=True)
    for name in BUNDLE:
        (folder / name).write_text(_STAND_IN.format(name=name, version=version))
    return folder


def stand_in_deb(version: str, programs: Sequence[str] = BUNDLE) -> bytes:
    """What stands in for a package of containerd `version`: path -> text, as JSON. `testbed.node.apt` unpacks
    it."""
    files = {f"usr/bin/{name}": _STAND_IN.format(name=name, version=version) for name in programs}
    return json.dumps({**files, "usr/share/doc/containerd/copyright": "Apache-2.0"}).encode()
