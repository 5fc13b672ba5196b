"""Readings that fail alone: each is a value or an `Unknown`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from replank.domain.errors import ReplankError
from replank.domain.unknown import Unknown
from replank.transports.kubernetes.session import ApiSession

T = TypeVar("T")
R = TypeVar("R")

# After one of these nothing else can be seen either: credentials, TLS, nobody there, not a Kubernetes API.
# RP058 is one of them: every API server serves /version. A proxy for many clusters that does not know this
# one answers 404 for kubeadm's ConfigMaps too, and that must not look as if the cluster had none.
_FINAL: Final = ("RP052", "RP054", "RP055", "RP058", "RP059")


async def seen(reading: Awaitable[T]) -> T | Unknown:
    """What was read, or why it could not be."""
    try:
        return await reading
    except ReplankError as error:
        return unseen(error)


def unseen(error: ReplankError) -> Unknown:
    """What stays of an error in a snapshot."""
    return Unknown(error.reason, code=error.code)


def mapped(fact: T | Unknown, function: Callable[[T], R]) -> R | Unknown:
    """`function` of what was seen."""
    return fact if isinstance(fact, Unknown) else function(fact)


def gathered(facts: dict[str, T | Unknown]) -> dict[str, T] | Unknown:
    """All of them, or the first that could not be seen: a part would look like the whole."""
    found: dict[str, T] = {}
    for name, fact in facts.items():
        if isinstance(fact, Unknown):
            return fact
        found[name] = fact
    return found


async def read_version(api: ApiSession) -> str | ReplankError:
    """The API server's version; the first request to it. An error is returned where others may get through.

    Raises `ReplankError` where any other request would fail, too.
    """
    try:
        return await api.version()
    except ReplankError as error:
        if error.code in _FINAL:
            raise
        return error
