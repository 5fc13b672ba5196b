"""What most machines of a group have: the value that goes into their template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def most_common(values: Iterable[T], default: T) -> T:
    """The most frequent value; of equally frequent ones the first by text, in any order of the values."""
    counted = Counter(values)
    return min(counted, key=lambda value: (-counted[value], repr(value)), default=default)


def agreed(values: Sequence[T], lead: int) -> T:
    """The most frequent value; of equally frequent ones that of the machine at `lead`.

    So a template of two halves that are unlike is one of the halves, and no mixture of both.
    """
    counted = Counter(values)
    most = max(counted.values())
    if counted[values[lead]] == most:
        return values[lead]
    return most_common(values, values[lead])


def lead_of(machines: Sequence[Sequence[object]]) -> int:
    """Index of the machine that agrees with the others in most fields; of equal ones the first."""
    columns = [Counter(column) for column in zip(*machines, strict=True)]
    scores = [sum(count[value] for count, value in zip(columns, m, strict=True)) for m in machines]
    return scores.index(max(scores))
