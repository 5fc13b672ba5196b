"""CNI configuration files and host-local's address store, as they lie on a node."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from replank.inventory.runtime.network_facts import CniNetwork, StoredAddress
from replank.inventory.runtime.refusals import not_understood

_STORE: Final = re.compile(r".*/networks/(?P<network>[^/]+)/(?P<name>[^/]+)")


def parse_cni(text: str, *, path: str) -> CniNetwork:
    """A `.conf`, `.conflist` or `.json` of /etc/cni/net.d. Of a plugin only its type is kept.

    Raises `Refused` RP477 for what is no CNI configuration (CNI specification 1.0.0, section 1).
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_understood("RP477", path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise not_understood("RP477", path, "it is no JSON object")
    chain = document.get("plugins", [document])
    if not isinstance(chain, list) or not chain:
        raise not_understood("RP477", path, "it names no plugin")
    types = [plugin.get("type") if isinstance(plugin, dict) else None for plugin in chain]
    version, name = document.get("cniVersion", ""), document.get("name", "")
    if not all(isinstance(kind, str) and kind for kind in types):
        raise not_understood("RP477", path, "a plugin has no type")
    if not isinstance(version, str) or not isinstance(name, str):
        raise not_understood("RP477", path, "its name or cniVersion is no text")
    plugins = tuple(str(kind) for kind in types)
    return CniNetwork(path=path, name=name, cni_version=version, plugins=plugins)


def parse_store(entries: Mapping[str, str]) -> tuple[StoredAddress, ...]:
    """host-local's store: path -> content of the files in /var/lib/cni/networks/<network>/, sorted.

    A file is named by its address; its first line is the container's ID, the second the interface (plugins
    v1.1.1, plugins/ipam/host-local/backend/disk). `lock` and `last_reserved_ip.N` are its own.
    Raises `Refused` RP477.
    """
    found: list[StoredAddress] = []
    for path, content in sorted(entries.items()):
        match = _STORE.fullmatch(path)
        if match is None:
            raise not_understood("RP477", path, "it lies in no network's folder")
        if match["name"] == "lock" or match["name"].startswith("last_reserved_ip."):
            continue
        lines = content.split()
        try:
            address = str(ip_address(match["name"]))
        except ValueError as error:
            raise not_understood("RP477", path, "its name is no address") from error
        if not lines:
            raise not_understood("RP477", path, "it names no container")
        interface = lines[1] if len(lines) > 1 else ""
        found.append(
            StoredAddress(network=match["network"], address=address, container=lines[0], interface=interface)
        )
    return tuple(found)
