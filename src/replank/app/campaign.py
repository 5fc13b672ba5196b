"""Many clusters: the canary first and alone, then the rest, some at once; none begun after too many failures.

One cluster's stop never stops another that is in work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from replank.domain.errors import Refused, ReplankError
from replank.journal.state import RunStatus

Ending = RunStatus | Literal["not-begun", "error"]

FAILED: tuple[Ending, ...] = ("refused", "aborted", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one cluster ended. `run_id`: "" where none was started. `error`: for `error` alone."""

    cluster: str
    ending: Ending
    run_id: str = ""
    why: str = ""
    error: ReplankError | None = None


@dataclass(slots=True, kw_only=True)
class Campaign:
    """`canary`: "" = none. `parallel`: clusters at once. `stop_after`: failures after which none is begun.

    `stopping`: whether somebody asked for no more.
    """

    take: Callable[[str], Awaitable[Result]]
    canary: str = ""
    parallel: int = 10
    stop_after: int = 1
    stopping: Callable[[], bool] = lambda: False
    _failures: int = 0

    async def run(self, clusters: Sequence[str]) -> list[Result]:
        """Results in the order of `clusters`. Raises `Refused` RP849 where the canary is none of them."""
        results: dict[str, Result] = {}
        if self.canary:
            if self.canary not in clusters:
                raise _no_canary(self.canary, clusters)
            results[self.canary] = await self._one(self.canary)
            if results[self.canary].ending != "done":
                why = f"the canary {self.canary} ended {results[self.canary].ending}"
                held_back = [name for name in clusters if name != self.canary]
                results.update({name: _not_begun(name, why) for name in held_back})
        gate = asyncio.Semaphore(self.parallel)

        async def begin(name: str) -> Result:
            async with gate:
                return await self._one(name)

        rest = [name for name in clusters if name not in results]
        results.update(zip(rest, await asyncio.gather(*map(begin, rest)), strict=True))
        return [results[name] for name in clusters]

    async def _one(self, name: str) -> Result:
        if self.stopping():
            return _not_begun(name, "replank was asked to stop")
        if self._failures >= self.stop_after:
            return _not_begun(name, f"{self._failures} failed before it (--stop-after-failures)")
        try:
            result = await self.take(name)
        except ReplankError as error:
            result = Result(cluster=name, ending="error", why=error.reason, error=error)
        self._failures += result.ending in FAILED
        return result


def _not_begun(name: str, why: str) -> Result:
    return Result(cluster=name, ending="not-begun", why=why)


def _no_canary(canary: str, clusters: Sequence[str]) -> Refused:
    return Refused(
        "RP849",
        f"The canary {canary} is not among the clusters",
        f"the plans to be applied are for {', '.join(clusters) or 'none'}",
        "Name one of them with --canary.",
    )
