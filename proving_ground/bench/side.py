"""A side of the benchmark: a process that works off blocks of clusters when it is told to.

It reads lines of JSON from stdin (`{"phase": "begin" | "write", "names": [...]}`) and answers each on stdout.
Time and CPU are of that phase alone; peak memory is of the process so far.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class Work(Protocol):
    """What a side does for a block of clusters."""

    async def begin(self, names: Sequence[str]) -> None:
        """All that comes before the objects."""
        ...

    async def write(self, names: Sequence[str]) -> int:
        """The objects; how many there were."""
        ...


async def in_parallel(names: Sequence[str], parallel: int, work: Callable[[str], Awaitable[None]]) -> None:
    """Each name once, `parallel` at a time. The first error ends all."""
    left = iter(names)

    async def one_after_another() -> None:
        for name in left:
            await work(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(parallel):
            group.create_task(one_after_another())


async def serve(work: Work) -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    _answer({})
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        wall, cpu = time.perf_counter(), time.process_time()
        if asked["phase"] == "begin":
            await work.begin(asked["names"])
            objects = 0
        else:
            objects = await work.write(asked["names"])
        _answer(
            {
                "objects": objects,
                "wall_s": time.perf_counter() - wall,
                "cpu_s": time.process_time() - cpu,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )


def _answer(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()
