"""Configuration files of a node."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable

from replank.inventory.hosts import commands
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.hosts.listing import parse_listing, parse_stat
from replank.inventory.runtime.facts import RuntimeFile, TextFile
from replank.inventory.runtime.kept_text import holds_secret, text_file
from replank.transports.hosts.session import HostSession


async def read_text(session: HostSession, path: str) -> str | None:
    """The file's text, None if there is none. Nothing of it may be logged: it may hold logins."""
    return await session.text_if_there(runtime.FILE.call(path=path), path)


async def read_kept(session: HostSession, path: str) -> TextFile | None:
    """A file that a swap changes, None if there is none."""
    text = await read_text(session, path)
    if text is None:
        return None
    stat = await session.text(runtime.MODE.call(path=path))
    return text_file(path, text, parse_stat(stat, path=path).mode)


async def read_listing(session: HostSession, folder: str) -> tuple[str, ...]:
    """Paths of the files below `folder`, sorted; empty if there is no such folder."""
    text = await session.text_if_there(runtime.FILES.call(path=folder), folder)
    return tuple(file.path for file in parse_listing(text)) if text is not None else ()


async def read_hashes(session: HostSession, paths: Iterable[str]) -> tuple[RuntimeFile, ...]:
    """The files that are there, with their hashes; of one that holds a secret the hash is "": a password
    could be guessed by it."""
    wanted = sorted(set(paths))
    texts = await asyncio.gather(*(read_text(session, path) for path in wanted))
    return tuple(
        RuntimeFile(path=path, sha256="" if holds_secret(text) else sha256(text))
        for path, text in zip(wanted, texts, strict=True)
        if text is not None
    )


def sha256(text: str) -> str:
    """The hash of a text, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


async def read_kubelet_files(session: HostSession, config_path: str) -> tuple[TextFile, ...]:
    """The files that set the kubelet's runtime. `config_path`: of its --config, "" if it has none."""
    paths = sorted({*commands.KUBELET_FILES, *([config_path] if config_path else [])})
    found = await asyncio.gather(*(read_kept(session, path) for path in paths))
    return tuple(file for file in found if file is not None)
