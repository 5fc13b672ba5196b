"""Asks all targets at every tick, notes what came of it, and knows when it was late itself.

A sample is Unknown where the sampler was late for its tick, missed it, or read the answer so late that nobody
can say whether it came in time; none of that ever counts as a pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, TextIO

from replank.probe.record import Head
from replank.probe.recorder import Recorder
from replank.probe.sample import FAIL, PASS, UNKNOWN, Mark, Sample
from replank.probe.samplers import Sampler
from replank.probe.schedule import wake

INTERVAL_S: Final = 0.1
_PULSE_S: Final = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A target and how it is asked. `kind`, `address`: for the reader. `timeout_s`: from the tick on."""

    name: str
    kind: str
    address: str
    timeout_s: float
    sampler: Sampler


class Probing:
    """`async with Probing(...)` asks from the first moment to the last.

    `wall`: seconds since 1970, read once. `out`: an open text file. `baseline`: what is asked before
    `begin_run` counts as the baseline. Raises out of the block what goes wrong in the sampling itself
    (OSError of `out`).
    """

    def __init__(
        self,
        watched: tuple[Watched, ...],
        out: TextIO,
        *,
        wall: Callable[[], float],
        interval_s: float = INTERVAL_S,
        baseline: bool = False,
    ) -> None:
        self._watched = watched
        self._interval_s = interval_s
        self._late_s = interval_s / 2
        self._out, self._wall, self._baseline = out, wall, baseline
        self._stop = asyncio.Event()
        self._next = 0
        self._stalled: tuple[float, float] = (-1.0, 0.0)
        self._asking: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    async def __aenter__(self) -> Probing:
        self._loop = asyncio.get_running_loop()
        targets = tuple((w.name, w.kind, w.address, w.timeout_s) for w in self._watched)
        head = Head(
            started_at=self._wall(), interval_s=self._interval_s, baseline=self._baseline, targets=targets
        )
        self._origin = self._loop.time()
        self._recorder = Recorder(self._out, head)
        self._start(self._ticking())
        self._start(self._pulse())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        try:
            # Each question is over by its own timeout.
            while self._asking:
                await asyncio.wait(self._asking)
            if self._error is not None:
                raise self._error
            self._recorder.end()
        finally:
            for task in self._asking:
                task.cancel()
            for watched in self._watched:
                watched.sampler.close()

    def begin_run(self) -> None:
        """The baseline is over from the next tick on."""
        self._recorder.run_from(self._next)

    async def broken(self) -> None:
        """Waits for the sampling to end; raises what ended it before its time."""
        await self._stop.wait()
        if self._error is not None:
            raise self._error

    async def _ticking(self) -> None:
        flushed = 0.0
        while not self._stop.is_set():
            elapsed = self._tick()
            if elapsed - flushed >= 1.0:
                flushed = elapsed
                self._recorder.flush()
            await self._sleep(self._origin + self._next * self._interval_s - self._loop.time())
        # Ticks that went by unasked until the end are samples too.
        self._tick(ask=False)

    def _tick(self, *, ask: bool = True) -> float:
        """Asks for the tick that is due, notes those that were missed. Seconds since the first tick."""
        elapsed = self._loop.time() - self._origin
        woken = wake(elapsed, self._next, interval_s=self._interval_s, late_s=self._late_s)
        for index in woken.missed:
            self._miss(index, woken.late_s)
        self._next = max(self._next, woken.missed.stop)
        if ask and woken.due is not None:
            for watched in self._watched:
                self._start(self._ask(watched, woken.due))
            self._next = woken.due + 1
        return elapsed

    async def _pulse(self) -> None:
        """Notes when the event loop stood still: the answers of that time were not read when they came."""
        last = self._loop.time()
        while not self._stop.is_set():
            await self._sleep(_PULSE_S)
            now = self._loop.time()
            if (lag := now - last - _PULSE_S) > self._late_s:
                self._stalled = (now, lag)
            last = now

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._stop.wait()
        except TimeoutError:
            return

    def _miss(self, index: int, late_s: float) -> None:
        reason = f"not asked: the sampler itself was {late_s:.2f} s late"
        for watched in self._watched:
            self._recorder.take(watched.name, Sample(index=index, mark=UNKNOWN, reason=reason))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A bug, or the file cannot be written: nothing that comes after would be a proof.
            self._error = self._error or error
            self._stop.set()

    async def _ask(self, watched: Watched, index: int) -> None:
        started = self._loop.time()
        late = started - self._origin - index * self._interval_s
        if late > self._late_s:
            reason = f"not asked: the sampler itself was {late:.2f} s late"
            self._recorder.take(watched.name, Sample(index=index, mark=UNKNOWN, reason=reason))
            return
        try:
            async with asyncio.timeout(watched.timeout_s):
                reason = await watched.sampler.ask()
            mark: Mark = FAIL if reason else PASS
        except TimeoutError:
            mark, reason = FAIL, f"no answer in {watched.timeout_s:g} s"
        took = self._loop.time() - started
        if doubt := self._doubt(started, took, watched.timeout_s, mark, reason):
            mark, reason = UNKNOWN, doubt
        self._recorder.take(watched.name, Sample(index=index, mark=mark, took_s=took, reason=reason))

    def _doubt(self, started: float, took_s: float, timeout_s: float, mark: Mark, reason: str) -> str:
        """Why the sample says nothing about the target, "" where it does."""
        ended, lag = self._stalled
        slow = took_s > timeout_s
        if slow and mark == PASS:
            return f"the answer was read after {took_s:.2f} s"
        if slow and mark == FAIL and reason.startswith("no answer") and ended >= started:
            return f"the sampler itself stood still for {lag:.2f} s"
        return ""
