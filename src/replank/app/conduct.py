"""Carries one run on in this process: shows it, asks where a person must agree, pauses when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from replank.app.asking import Ask
from replank.app.campaign import Result
from replank.app.live import LiveView
from replank.app.wiring import Runner
from replank.domain.errors import ReplankError
from replank.journal.event import Direction, Event
from replank.journal.state import RunStatus, state_of
from replank.plan.codec import AnyPlan

_NOT_OURS = ("RP810", "RP811", "RP812", "RP817")
"""The journal cannot be written, or another process is carrying the run on."""


@dataclass(slots=True, kw_only=True)
class Conductor:
    """`holder`: this process's name. `take_over`: an expired lease of another run may be taken. `ask`: None =
    nobody sits at a terminal. `whoever`: who approves, by the systems' own word, for a cluster and its plan.
    `again_s`: between two times that a pause is asked for.
    """

    runner: Runner
    view: LiveView
    holder: str
    ask: Ask | None
    whoever: Callable[[str, AnyPlan], Awaitable[str]]
    tell: Callable[[str], None]
    take_over: bool = False
    again_s: float = 0.5
    _going: set[str] = field(default_factory=set)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for no more."""
        return self._stopped.is_set()

    async def stopped(self) -> None:
        """Waits until somebody asks for no more."""
        await self._stopped.wait()

    async def stop(self) -> None:
        """Asks every run in work to pause after its running step, and again until all have ended.

        A run that is only just beginning writes down that it goes on, which would outlive a pause before it.
        """
        self._stopped.set()
        while self._going:
            for run_id in sorted(self._going):
                await self.runner.pause(run_id, f"asked by {self.holder}")
            await asyncio.sleep(self.again_s)

    async def go(self, run_id: str, plan: AnyPlan, *, direction: Direction, goal: str) -> Result:
        """Until the run comes to its goal or to rest. Raises what the engine raises."""
        self._going.add(run_id)
        try:
            async with self.view.showing(run_id, plan, direction):
                status = await self._go(run_id, plan, direction, goal)
        except ReplankError as error:
            if error.code not in _NOT_OURS:
                # It could not be carried on: the journal must not go on saying that it is at work.
                await self.runner.pause(run_id, f"{error.code} {error.reason}")
            raise
        finally:
            self._going.discard(run_id)
        events = await self.runner.journal.events(run_id)
        return Result(cluster=plan.cluster, ending=status, run_id=run_id, why=_why(status, events))

    async def _go(self, run_id: str, plan: AnyPlan, direction: Direction, goal: str) -> RunStatus:
        while True:
            status = await self.runner.carry_on(
                run_id, direction=direction, goal=goal, holder=self.holder, take_over=self.take_over
            )
            if status != "waiting-for-approval" or not await self._approved(run_id, plan):
                return status

    async def _approved(self, run_id: str, plan: AnyPlan) -> bool:
        needed = _last_needed(await self.runner.journal.events(run_id))
        if self.ask is None or needed is None or self.stopping:
            return False
        word = str(needed.data.get("word", ""))
        question = (
            f"\n{plan.cluster}: a point of no return, {needed.step}\n  {needed.data.get('why', '')}\n"
            f"Type the cluster's name to go on ({word}), anything else to stop here: "
        )
        ask = self.ask
        answer = await self.view.asking(lambda: self._answer(ask, question))
        if answer != plan.cluster:
            self.tell(f"{plan.cluster}: not approved, the run waits.")
            return False
        await self.runner.approve(
            run_id, [word], await self.whoever(plan.cluster, plan), "typed cluster name"
        )
        return True

    async def _answer(self, ask: Ask, question: str) -> str:
        """ "" where somebody stops replank meanwhile."""
        asked = asyncio.ensure_future(ask(question))
        stopped = asyncio.ensure_future(self._stopped.wait())
        try:
            await asyncio.wait((asked, stopped), return_when=asyncio.FIRST_COMPLETED)
            return asked.result() if asked.done() else ""
        finally:
            for task in (asked, stopped):
                task.cancel()


def _why(status: RunStatus, events: tuple[Event, ...]) -> str:
    """In one line, what a run that is not at its goal waits for."""
    if status == "refused":
        told = next((event for event in reversed(events) if event.kind == "step-refused"), None)
        if told is not None:
            data = told.data
            return (
                f"{told.step}: {data.get('code')} {data.get('what')}: {data.get('why')}. {data.get('todo')}"
            )
    return state_of(events).why if status in ("refused", "paused", "waiting-for-approval") else ""


def _last_needed(events: tuple[Event, ...]) -> Event | None:
    needed = [event for event in events if event.kind == "approval-needed"]
    return needed[-1] if needed else None
