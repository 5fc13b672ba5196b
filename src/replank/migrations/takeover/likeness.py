"""What most machines of a group have: the value that goes into their template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")


def most_common(values: Iterable[T], default: T) -> T:
    """The most frequent value; of equally frequent ones the first by text, so that any order gives the
    same.
    """
    counted = Counter(values)
    return min(counted, key=lambda value: (-counted[value], repr(value)), default=default)
