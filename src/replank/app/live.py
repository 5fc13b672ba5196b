"""Runs as they go, on stderr: lines of events; on a terminal a row with a bar for each run below them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from replank.app.console import err
from replank.app.follow import EVERY_S
from replank.journal.event import Direction, Event
from replank.journal.state import RunState, take
from replank.plan.codec import AnyPlan
from replank.ports.journal import Journal
from replank.report.terminal.event_lines import event_line
from replank.report.words import printable


class LiveView:
    """A context manager. `every_s`: between two looks into the journal."""

    def __init__(self, journal: Journal, *, every_s: float = EVERY_S) -> None:
        self._journal = journal
        self._every_s = every_s
        self._asking = asyncio.Lock()
        self._bars = Progress(
            TextColumn("{task.fields[cluster]}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=err(),
            disable=not err().is_terminal,
            transient=True,
        )

    def __enter__(self) -> LiveView:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    async def asking(self, question: Callable[[], Awaitable[str]]) -> str:
        """Takes the rows away while somebody is asked: they would write over the question. One at a time."""
        async with self._asking:
            self._bars.stop()
            try:
                return await question()
            finally:
                self._bars.start()

    @contextlib.asynccontextmanager
    async def showing(self, run_id: str, plan: AnyPlan, direction: Direction) -> AsyncIterator[None]:
        """Shows what is new in the run's journal from now on, and all of it before it ends."""
        old = await self._journal.events(run_id)
        row = _Row(self._bars, plan, direction, old)
        ended = asyncio.Event()

        async def follow() -> None:
            seen = len(old)
            while True:
                last = ended.is_set()
                events = await self._journal.events(run_id, seen)
                seen += len(events)
                for event in events:
                    row.show(event)
                if last:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), self._every_s)

        following = asyncio.ensure_future(follow())
        try:
            yield
        finally:
            ended.set()
            await following
            row.remove()


class _Row:
    """One run: its bar, and its lines."""

    def __init__(self, bars: Progress, plan: AnyPlan, direction: Direction, old: tuple[Event, ...]) -> None:
        self._bars = bars
        self._plan = plan
        self._steps = {step.id: step.says for stage in plan.stages for step in stage.steps}
        self._state = RunState()
        for event in old:
            take(self._state, event)
        self._undoing = direction == "undo"
        cluster = printable(plan.cluster)
        self._task: TaskID = bars.add_task("", total=self._total(), completed=self._done(), cluster=cluster)

    def show(self, event: Event) -> None:
        """Prints its line, moves the bar."""
        take(self._state, event)
        line = event_line(event, self._plan)
        if line is not None:
            err().print(Text.assemble((f"{printable(self._plan.cluster)} ", "bold"), line), soft_wrap=True)
        now = self._steps.get(event.step, "")
        self._bars.update(self._task, completed=self._done(), description=printable(now)[:80])

    def remove(self) -> None:
        """Takes the row away."""
        self._bars.remove_task(self._task)

    def _total(self) -> int:
        if not self._undoing:
            return len(self._steps)
        return sum(1 for step in self._state.steps.values() if step.started)

    def _done(self) -> int:
        ended = ("undone", "not-undone") if self._undoing else ("done",)
        return sum(1 for step in self._state.steps.values() if step.status in ended)
