"""A run with probes before and all the while; what they saw goes into its journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from replank.app.campaign import Result
from replank.app.carrying import Carrying
from replank.app.console import err, show_error
from replank.app.runs import plan_of
from replank.app.wiring import Probes
from replank.domain.errors import ReplankError
from replank.journal.event import Event


async def probed(
    probing: AbstractAsyncContextManager[Probes],
    work: Carrying,
    carry: Callable[[], Awaitable[Result]],
    cluster: str,
) -> Result:
    """`carry` after the baseline and while probes run. Probes that do not start keep it from beginning;
    probes that end too early are told, and what they had seen is kept."""
    result: Result | None = None
    try:
        async with probing as probes:
            err().print(f"{cluster}: measuring the baseline", highlight=False)
            if not await _baseline(probes, work):
                return Result(cluster=cluster, ending="not-begun", why="replank was asked to stop")
            result = await carry()
    except ReplankError as error:
        if result is None:
            raise
        show_error(error, subject=cluster)
    await _note(probes, work, result.run_id)
    return result


async def _baseline(probes: Probes, work: Carrying) -> bool:
    """False where somebody asked for no more meanwhile."""
    over = asyncio.ensure_future(probes.baseline_over())
    stopped = asyncio.ensure_future(work.conductor.stopped())
    try:
        await asyncio.wait((over, stopped), return_when=asyncio.FIRST_COMPLETED)
        if over.done():
            over.result()
        return not stopped.done()
    finally:
        over.cancel()
        stopped.cancel()


async def _note(probes: Probes, work: Carrying, run_id: str) -> None:
    from replank.probe.record import result_dict

    journal = work.runner.journal
    data = {"summary": result_dict(probes.result())}
    await journal.append(run_id, Event(at=time.time(), kind="probe", data=data))
    await work.report(run_id, plan_of(await journal.run(run_id)))
