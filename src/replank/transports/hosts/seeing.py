"""Facts that fail alone: each is a value or an `Unknown`; what rests on an unknown one is unknown, too."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact, Unknown

T = TypeVar("T")


class UnseenError(Exception):
    """A fact that another one rests on is unknown. Never leaves `fact`."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.unknown)
        self.unknown = unknown


def seen(fact: Fact[T]) -> T:
    """The fact. Raises `UnseenError` if it is unknown."""
    if isinstance(fact, Unknown):
        raise UnseenError(fact)
    return fact


async def fact(reading: Awaitable[T]) -> Fact[T]:
    """What `reading` gives; what it could not see is unknown for the same reason."""
    try:
        return await reading
    except ReplankError as error:
        return Unknown(error.reason, error.code)
    except UnseenError as error:
        return error.unknown
