"""What a runtime swap does on nodes: it puts a part there that does the work, and speaks to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from replank.domain.errors import Refused

Verb = Literal["check", "stage", "unstage", "start", "undo", "commit", "measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A file for a node. `path`: there, in one of the swap's folders. `source`: a path on this machine, "" =
    `data` is the content. `sha256`: hexadecimal, of the content."""

    path: str
    sha256: str
    source: str = ""
    data: bytes = b""


class Nodes(Protocol):
    """The nodes of one cluster by the names of their Nodes."""

    async def put(self, node: str, parcel: Parcel) -> bool:
        """Puts the file there, whole or not at all. False where it lies there already.

        Raises `Transient` where it did not arrive whole.
        """
        ...

    async def tell(self, node: str, verb: Verb) -> Mapping[str, Any]:
        """Has the node's part do this. `stage` may run long (it copies images); `start` and `undo` only begin
        what the node then does by itself; `measure` only looks, for some seconds. How it stands then, in the
        part's own JSON. Raises `Refused` with the node's own words where it says no."""
        ...

    async def status(self, node: str) -> Mapping[str, Any] | None:
        """How it stands, in the part's own JSON; None where no part is there."""
        ...


class NoNodes:
    """Where nothing is done on nodes: every call is refused."""

    async def put(self, node: str, parcel: Parcel) -> bool:  # noqa: ARG002  (the port's names)
        raise _refused(node)

    async def tell(self, node: str, verb: Verb) -> Mapping[str, Any]:  # noqa: ARG002
        raise _refused(node)

    async def status(self, node: str) -> Mapping[str, Any] | None:
        raise _refused(node)


def _refused(node: str) -> Refused:
    return Refused(
        "RP950",
        f"{node} cannot be worked on",
        "fleet.yaml does not say how to reach the nodes",
        "Complete `ssh` in fleet.yaml (user, key, jump, address), or `node_pod`, then survey and plan again.",
    )
