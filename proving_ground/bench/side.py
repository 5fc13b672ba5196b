"""A side of the benchmark: a process that works off blocks of clusters when it is told to.

It reads one line of JSON for each block from stdin (`{"names": [...]}`) and answers one on stdout. Time and CPU
are of the block alone; peak memory is of the process so far.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """`before_s`: wall seconds of what is not in the rate. `wall_s`, `cpu_s`: of writing `objects`."""

    objects: int
    wall_s: float
    cpu_s: float
    before_s: float = 0.0
    peak_mib: float = 0.0


class Watch:
    """Wall and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    @property
    def wall_s(self) -> float:
        return time.perf_counter() - self._wall

    @property
    def cpu_s(self) -> float:
        return time.process_time() - self._cpu


async def in_parallel(
    names: Sequence[str], parallel: int, work: Callable[[str], Awaitable[None]]
) -> None:
    """Each name once, `parallel` at a time. The first error ends all."""
    left = iter(names)

    async def one_after_another() -> None:
        for name in left:
            await work(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(one_after_another())


async def serve(do: Callable[[Sequence[str]], Awaitable[Block]]) -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    _answer({"ready": True})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        done = asdict(await do(json.loads(line)["names"]))
        done["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        _answer(done)


def _answer(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
