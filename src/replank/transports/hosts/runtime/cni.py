"""Pod networking on the node: CNI configuration and host-local's stores."""

from __future__ import annotations

import asyncio

from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.runtime.address_store import parse_store_files, store_dirs
from replank.inventory.runtime.cni_conf import parse_cni, parse_store
from replank.inventory.runtime.network_facts import CniNetwork, StoredAddress
from replank.transports.hosts.runtime.files import read_listing, read_text
from replank.transports.hosts.runtime.searching import read_matches
from replank.transports.hosts.session import HostSession

_ENDINGS = (".conf", ".conflist", ".json")

Texts = tuple[tuple[str, str], ...]
"""Paths and texts of CNI configurations. They may hold logins: kept nowhere."""


async def read_texts(session: HostSession, folder: str) -> Texts:
    """The configurations in `folder`, in the order in which a runtime looks at them."""
    listed = await read_listing(session, folder)
    paths = [path for path in listed if path.endswith(_ENDINGS) and path.rpartition("/")[0] == folder]
    texts = await asyncio.gather(*(read_text(session, path) for path in sorted(paths)))
    return tuple((path, text) for path, text in zip(sorted(paths), texts, strict=True) if text is not None)


def networks(texts: Texts) -> tuple[CniNetwork, ...]:
    """Raises `Refused` RP477."""
    return tuple(parse_cni(text, path=path) for path, text in texts)


async def read_addresses(session: HostSession, texts: Texts) -> tuple[StoredAddress, ...]:
    """All stores that the configurations name, and the default one."""
    found: list[StoredAddress] = []
    for folder in store_dirs(tuple(text for _, text in texts)):
        if not await session.exists(folder):
            continue
        text = await read_matches(session, runtime.ADDRESS_STORE.call(path=folder))
        found += parse_store(parse_store_files(text, folder=folder))
    return tuple(found)
