"""The port `Nodes` by sessions on hosts: puts the swap's part on nodes, and speaks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final

from replank.domain.errors import Refused, Transient
from replank.inventory.hosts.swap_commands import (
    MAKE_FOLDER,
    NODE,
    NODE_PART,
    PLACE,
    SUM,
    SWAP_COMMANDS,
    WRITE,
)
from replank.ports.nodes import Parcel, Verb
from replank.transports.hosts.session import HostSession
from replank.transports.hosts.sessions import Sessions

_LONGEST_S: Final = 3600.0
"""Seconds that staging may take: hundreds of images over a slow disk."""
_PIECE: Final = 256 * 1024


class HostNodes:
    """The nodes of one cluster.

    `sessions`: by the names of the Nodes; each call opens one. `fence`: called before everything that changes
    a node.
    """

    def __init__(self, sessions: Sessions, fence: Callable[[], None] = lambda: None) -> None:
        self._sessions = sessions
        self._fence = fence

    async def put(self, node: str, parcel: Parcel) -> bool:
        """Raises `Transient` RP946 (not whole), RP060, RP065, `Refused` RP060 to RP067, RP940."""
        path = parcel.path
        async with self._session(node) as session:
            if await self._sum(session, path) == parcel.sha256:
                return False
            self._fence()
            await session.data(MAKE_FOLDER.call(swapped=path.rpartition("/")[0]))
            write = WRITE.call(swapped=f"{path}.new")
            size = await asyncio.to_thread(_size, parcel)
            output = await session.output(write, feed=_pieces(parcel), feed_bytes=size, longest_s=_LONGEST_S)
            if output.status != 0:
                raise session.failed(write, output)
            if await self._sum(session, f"{path}.new") != parcel.sha256:
                raise Transient(
                    "RP946",
                    f"{path} did not arrive whole on {node}",
                    "its SHA-256 is another one",
                    "It is tried again. If it stays so, look at the node's disk, and whether the file here "
                    "is the one that was planned.",
                )
            await session.data(PLACE.call(swapped=f"{path}.new", placed=path))
            return True

    async def tell(self, node: str, verb: Verb) -> Mapping[str, Any]:
        """Raises `Refused` with the node's own code, RP947 (it could not be run), RP948, and as `put`."""
        call = NODE.call(verb=verb)
        async with self._session(node) as session:
            self._fence()
            output = await session.output(call, longest_s=_LONGEST_S)
        if output.status in (126, 127) or not output.data:
            raise Refused(
                "RP947",
                f"The swap's part cannot be run on {node}",
                output.why or f"exit status {output.status}",
                "It needs Python 3.6 or newer as `python3`. Nothing on the node has changed.",
            )
        status = _read(output.text, node)
        refused = status.get("refused")
        if refused:
            raise Refused(
                str(refused["code"]),
                f"{node} says no to `{verb}`",
                str(refused["why"]),
                str(refused["todo"]),
            )
        return status

    async def status(self, node: str) -> Mapping[str, Any] | None:
        """Raises `Refused` RP948, and as `put`."""
        async with self._session(node) as session:
            if not await session.exists(NODE_PART):
                return None
            return _read((await session.output(NODE.call(verb="status"))).text, node)

    @staticmethod
    async def _sum(session: HostSession, path: str) -> str:
        """SHA-256 of a file there, "" = there is none."""
        told = await session.text_if_there(SUM.call(swapped=path), path)
        return "" if told is None else told.split()[0].lstrip("\\")

    def _session(self, node: str) -> AbstractAsyncContextManager[HostSession]:
        return self._sessions.open(node, SWAP_COMMANDS)


def _read(text: str, node: str) -> Mapping[str, Any]:
    """Raises `Refused` RP948 (not its JSON)."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _strange(text, node) from error
    if not isinstance(found, dict) or "outcome" not in found:
        raise _strange(text, node)
    return found


def _strange(text: str, node: str) -> Refused:
    return Refused(
        "RP948",
        f"The swap's part on {node} does not tell how it stands",
        f"its answer is {text[:60]!r}",
        f"Run `sudo python3 {NODE_PART} status` there.",
    )


def _size(parcel: Parcel) -> int:
    """Bytes of its content. Raises as `_pieces`."""
    if not parcel.source:
        return len(parcel.data)
    try:
        return Path(parcel.source).stat().st_size
    except OSError as error:
        raise _unreadable(parcel, error) from error


def _pieces(parcel: Parcel) -> Iterator[bytes]:
    """Raises `Refused` RP949 where the file here cannot be read."""
    if not parcel.source:
        yield parcel.data
        return
    try:
        with Path(parcel.source).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
    except OSError as error:
        raise _unreadable(parcel, error) from error


def _unreadable(parcel: Parcel, error: OSError) -> Refused:
    return Refused(
        "RP949",
        f"{parcel.source} cannot be read",
        error.strerror or str(error),
        "It belongs to the bundle that the plan names; put it back, or plan again.",
    )
