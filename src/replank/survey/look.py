"""One look at one source: either its facts, or an `Unknown` that says why not."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from replank.domain.errors import ReplankError
from replank.domain.unknown import Fact, Unknown
from replank.survey.progress import Progress

T = TypeVar("T")


async def look(progress: Progress, cluster: str, source: str, reading: Awaitable[T]) -> Fact[T]:
    """Awaits `reading`. A `ReplankError` becomes an `Unknown`; nothing else is caught (it is a defect)."""
    progress.started(cluster, source)
    try:
        facts = await reading
    except ReplankError as error:
        progress.ended(cluster, source, str(error))
        return Unknown(error.reason, error.code)
    progress.ended(cluster, source, "")
    return facts
