"""Pod networking as the runtime sees it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CniNetwork:
    """A CNI configuration file. `plugins`: types in the order of the chain. `cni_version` "": not said."""

    path: str
    name: str
    cni_version: str
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAddress:
    """An entry of host-local's store. `container`: the sandbox's ID as the plugin was told it."""

    network: str
    address: str
    container: str
    interface: str = ""
