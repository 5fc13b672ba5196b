"""Goes through a plan's steps, forwards or backwards, from wherever the journal says that it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from replank.domain.errors import Refused
from replank.engine.pause import Paused
from replank.engine.step_run import StepRun
from replank.journal.event import Direction
from replank.journal.state import RunState, RunStatus
from replank.plan.model import Plan, Step
from replank.ports.journal import Journal


def to_apply(plan: Plan, state: RunState, until: str) -> tuple[Step, ...]:
    """Steps that are not done yet, up to and including stage `until` ("" = all but those on request).

    Raises `Refused` (RP806) where the plan has no such stage.
    """
    if until:
        stages = plan.stages[: _place(plan, until) + 1]
    else:
        stages = tuple(stage for stage in plan.stages if not stage.on_request)
    steps = (step for stage in stages for step in stage.steps)
    return tuple(
        step for step in steps if step.id not in state.steps or state.steps[step.id].status != "done"
    )


def to_undo(plan: Plan, state: RunState, to: str) -> tuple[Step, ...]:
    """Steps that were started and are not undone, in reverse, down to but without stage `to` ("" = all).

    Raises `Refused` (RP806) where the plan has no such stage.
    """
    stages = plan.stages if not to else plan.stages[_place(plan, to) + 1 :]
    steps = [step for stage in stages for step in stage.steps]
    return tuple(step for step in reversed(steps) if step.id in state.steps and state.steps[step.id].started)


StepWord = Literal["done", "refused", "approval-needed", "paused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One way through a plan. Its parts are apart so that a durable workflow can keep each one's outcome.

    `goal`: the stage `until` which is applied or `to` which is undone; "" = the whole plan. `before_step` may
    raise `Paused`.
    """

    run: StepRun
    plan: Plan
    direction: Direction
    goal: str
    before_step: Callable[[Step], Awaitable[None]]

    async def steps(self) -> list[str]:
        """IDs of the steps that are left, in order. Raises `Refused` (RP806)."""
        state = await self.run.log.state()
        left = (to_apply if self.direction == "apply" else to_undo)(self.plan, state, self.goal)
        return [step.id for step in left]

    async def step(self, step_id: str) -> StepWord:
        """One step, unless somebody wants to pause."""
        step = next(step for stage in self.plan.stages for step in stage.steps if step.id == step_id)
        try:
            await self.before_step(step)
            return await (self.run.apply(step) if self.direction == "apply" else self.run.undo(step))
        except Paused as pause:
            if (await self.run.log.state()).status not in ("paused", "aborted"):
                await self.run.log.note("paused", self.direction, why=pause.why)
            return "paused"

    async def end(self, word: StepWord) -> RunStatus:
        """How the run stands after the step that said so; `done` = after the last one."""
        status = (await self.run.log.state()).status
        match word:
            case "refused":
                return "refused"
            case "approval-needed":
                return "waiting-for-approval"
            case "paused":
                return "aborted" if status == "aborted" else "paused"
            case "done":
                done: RunStatus = "done" if self.direction == "apply" else "undone"
                # Only once, where a workflow is played again after a crash right here.
                if status != done:
                    await self.run.log.note("run-done", self.direction, until=self.goal)
                return done


async def walk(
    run: StepRun,
    plan: Plan,
    journal: Journal,  # noqa: ARG001
    run_id: str,  # noqa: ARG001
    *,
    direction: Direction,
    goal: str,
    before_step: Callable[[Step], Awaitable[None]],
) -> RunStatus:
    """Runs the steps up to the goal; how the run stands then.

    A run that was paused needs its `resumed` event before it is walked on. Raises `Refused` (RP806), and what
    the journal raises.
    """
    way = Walk(run=run, plan=plan, direction=direction, goal=goal, before_step=before_step)
    for step_id in await way.steps():
        word = await way.step(step_id)
        if word != "done":
            return await way.end(word)
    return await way.end("done")


def _place(plan: Plan, name: str) -> int:
    names = [stage.name for stage in plan.stages]
    if name not in names:
        raise Refused(
            "RP806",
            f"The plan of {plan.cluster} has no stage {name!r}",
            f"its stages are {', '.join(names)}",
            "Name one of these.",
        )
    return names.index(name)
