"""host-local's stores: where they lie, and their files as `grep -r -Z ^` prints them."""

from __future__ import annotations

import json
import re
from typing import Final

from replank.inventory.runtime.refusals import not_understood

DEFAULT: Final = "/var/lib/cni/networks"
_LINE: Final = re.compile(r"(/[^\0]+)\0([^\n]*)\n?", re.ASCII)
_TODO: Final = "Look at the address store on the node."


def store_dirs(configurations: tuple[str, ...]) -> tuple[str, ...]:
    """The folders of the stores that CNI configurations (their texts) name; always the default one, too.

    `ipam.dataDir` (plugins v1.1.1, plugins/ipam/host-local/backend/allocator/config.go). Texts that are not
    JSON are left out: another fact says so.
    """
    found = {DEFAULT}
    for text in configurations:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            continue
        chain = document.get("plugins", [document]) if isinstance(document, dict) else []
        for plugin in chain if isinstance(chain, list) else []:
            ipam = plugin.get("ipam") if isinstance(plugin, dict) else None
            folder = ipam.get("dataDir") if isinstance(ipam, dict) else None
            if isinstance(folder, str) and folder.startswith("/"):
                found.add(folder.rstrip("/"))
    return tuple(sorted(found))


def parse_store_files(text: str, *, folder: str) -> dict[str, str]:
    """Path -> content of the files in a store, as `.../networks/<network>/<name>`.

    Raises `Refused` RP477 for output of another shape.
    """
    files: dict[str, str] = {}
    end = 0
    for match in _LINE.finditer(text):
        if match.start() != end:
            break
        end = match.end()
        below = match[1].removeprefix(folder).lstrip("/")
        if below.count("/") == 1:
            path = f"{DEFAULT}/{below}"
            files[path] = f"{files.get(path, '')}{match[2]}\n"
    if end != len(text):
        raise not_understood("RP477", folder, "grep's output has another shape", _TODO)
    return files
