"""A fact that could not be seen is a value of its own, never a default.

"Absent" (the cloud says there is no floating IP) and "could not look" (the cloud answered 403) lead to
different decisions. `Unknown` is the second; it carries why, and no check ever passes on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeGuard, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not be seen.

    `unknown` says why, in words for the operator and free of secrets, times and memory addresses (snapshots
    of one world must be equal byte for byte). `code` is the stable code of the error behind it (`RP0xx`).
    """

    unknown: str
    code: str = "RP000"

    def __bool__(self) -> bool:
        raise TypeError(f"an unknown fact is neither true nor false: {self.unknown}")


Fact: TypeAlias = T | Unknown


def is_known(fact: Fact[T]) -> TypeGuard[T]:
    """True if the fact was seen. `is_known(None)` is true: seen, and there is none."""
    return not isinstance(fact, Unknown)


def known_or(fact: Fact[T], default: T) -> T:
    """The fact, or `default` where it is unknown. Only for display and search, never for a verdict."""
    return default if isinstance(fact, Unknown) else fact
