"""Runs one step of a plan: look, note what is there, do it, look again. And back."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal

from replank.domain.errors import Refused, ReplankError, Transient
from replank.engine.calling import Fault, bug, called
from replank.engine.gates import Gates
from replank.engine.json_only import as_json
from replank.engine.kinds import require_kinds
from replank.engine.patience import Patience
from replank.engine.run_log import RunLog
from replank.inventory.facts.json_value import JSON
from replank.journal.event import Direction
from replank.plan.model import Irreversible, Plan, Step
from replank.ports.access import Access
from replank.ports.journal import Journal
from replank.ports.receipts import collect
from replank.ports.steps import At, Registry

StepEnd = Literal["done", "refused", "approval-needed"]
_Once = Fault | Literal["approval-needed"] | None


class StepRun:
    """The steps of one run. Everything it knows stands in the journal, so another one can go on after it."""

    def __init__(
        self,
        *,
        run_id: str,
        plan: Plan,
        access: Access,
        registry: Registry,
        journal: Journal,
        patience: Patience,
        chance: random.Random,
    ) -> None:
        """Raises `Refused` (RP802) where a kind of the plan has no code."""
        require_kinds(plan, registry)
        self.log = RunLog(journal, run_id, access.clock)
        self._plan = plan
        self._access = access
        self._registry = registry
        self._patience = patience
        self._chance = chance
        self._gates = Gates(self.log, registry, patience)
        self._no_return = {point.step: point.why for point in plan.points_of_no_return}

    async def apply(self, step: Step) -> StepEnd:
        """Does the step, or finds it done.

        Raises `Paused` while it only waits, and what the journal raises; nothing else.
        """
        if await self._approval_missing(step):
            return "approval-needed"
        return await self._persist(step, "apply", self._apply_once)

    async def undo(self, step: Step) -> StepEnd:
        """Puts back what the step found; an irreversible step is passed over. Raises as `apply`."""
        state = (await self.log.state()).step(step.id)
        if isinstance(step.undo, Irreversible) and state.found:
            await self.log.note("not-undone", "undo", step.id, why=step.undo.irreversible)
            return "done"
        return await self._persist(step, "undo", self._undo_once)

    async def _approval_missing(self, step: Step) -> bool:
        if not step.approval and step.id not in self._no_return:
            return False
        why = self._no_return.get(step.id) or f"the plan asks a person about it: {step.says}"
        return await self._unapproved(step, step.approval or step.id, {step.id}, why)

    async def _verdict_unapproved(self, step: Step) -> bool:
        """Whether a check passed only for those who approve of how it came to that."""
        for word, why in self._gates.asks.items():
            if await self._unapproved(step, word, set(), why):
                return True
        return False

    async def _unapproved(self, step: Step, word: str, others: set[str], why: str) -> bool:
        if (await self.log.state()).approved & {word, "*", *others}:
            return False
        await self.log.note("approval-needed", "apply", step.id, word=word, why=why)
        return True

    async def _persist(
        self, step: Step, direction: Direction, once: Callable[[Step], Awaitable[_Once]]
    ) -> StepEnd:
        """Tries until it is done, refused, held too long, or was tried often enough."""
        tries, held_since, held_by, fresh = 0, None, "", True
        while True:
            if fresh:
                self._gates.forget()
                number = (await self.log.state()).step(step.id).attempts + 1
                await self.log.note("step-started", direction, step.id, attempt=number)
            fault = await once(step)
            if not isinstance(fault, Fault):
                return fault or "done"
            if fault.policy == "hold":
                held_since = self.log.clock.now() if held_since is None else held_since
                deadline = held_since + self._patience.hold_s
                if self.log.clock.now() >= deadline:
                    return await self._refuse(step, direction, _held_too_long(step, fault), fault)
                held_by, fresh = await self._hold(step, direction, fault, deadline, held_by), False
            elif fault.policy == "retry" and tries + 1 < self._patience.attempts:
                tries, fresh = tries + 1, True
                await self._back_off(step, direction, fault, tries)
            elif fault.policy == "retry":
                return await self._refuse(step, direction, _tried_enough(step, fault, tries + 1), fault)
            else:
                return await self._refuse(step, direction, fault.error, fault)

    async def _apply_once(self, step: Step) -> _Once:
        state = (await self.log.state()).step(step.id)
        found = state.found
        at = At(plan=self._plan, step=step, access=self._access, before=state.before)
        # Nothing was applied before `found` was written down, so until then there is nothing to recognise.
        if found and await self._gates.hold_already(at, step.after):
            await self.log.note("step-done", "apply", step.id, already=True)
            return None
        fault = await self._gates.passed(at, "before", step.before)
        if fault is not None:
            return fault
        if await self._verdict_unapproved(step):
            return "approval-needed"
        code = self._registry.steps[step.kind]
        if not found:
            looking = replace(at, before=None)
            before = await self._answer(f"look before step {step.id}", lambda: code.found(looking))
            if isinstance(before, Fault):
                return before
            await self.log.note("found", "apply", step.id, before=before)
            at = replace(at, before=before)
        fault = await self._act(f"step {step.id}", "apply", step, lambda: code.apply(at))
        if fault is None:
            fault = await self._gates.passed(at, "after", step.after)
        if fault is None:
            await self.log.note("step-done", "apply", step.id, already=False)
        return fault

    async def _undo_once(self, step: Step) -> _Once:
        state = (await self.log.state()).step(step.id)
        if not state.found:
            # It never came to its first apply.
            await self.log.note("step-done", "undo", step.id, already=True)
            return None
        at = At(plan=self._plan, step=step, access=self._access, before=state.before)
        code = self._registry.steps[step.kind]
        fault = await self._act(f"undo of step {step.id}", "undo", step, lambda: code.undo(at))
        if fault is None:
            await self.log.note("step-done", "undo", step.id, already=False)
        return fault

    async def _act(
        self, doing: str, direction: Direction, step: Step, call: Callable[[], Awaitable[JSON]]
    ) -> Fault | None:
        receipts = collect()
        evidence = await self._answer(doing, call)
        if isinstance(evidence, Fault):
            return replace(evidence, receipts=tuple(receipts))
        await self.log.note("applied", direction, step.id, evidence=evidence, receipts=receipts)
        return None

    async def _answer(self, doing: str, call: Callable[[], Awaitable[JSON]]) -> JSON | Fault:
        answer = await called(doing, call())
        if isinstance(answer, Fault):
            return answer
        try:
            return as_json(answer)
        except TypeError as error:
            return Fault(policy="stop", error=bug(doing, error))

    async def _hold(
        self, step: Step, direction: Direction, fault: Fault, deadline: float, held_by: str
    ) -> str:
        error = fault.error
        if error.reason != held_by or fault.receipts:
            await self.log.note(
                "hold",
                direction,
                step.id,
                code=error.code,
                what=error.what,
                why=error.why,
                todo=error.todo,
                deadline=deadline,
                receipts=fault.receipts,
            )
        await self.log.wait(self._patience.poll_s)
        return error.reason

    async def _back_off(self, step: Step, direction: Direction, fault: Fault, tries: int) -> None:
        error = fault.error
        full = min(self._patience.longest_pause_s, self._patience.first_pause_s * 2 ** (tries - 1))
        pause = full * self._chance.uniform(0.5, 1.0)
        if isinstance(error, Transient) and error.retry_after_s is not None:
            pause = max(pause, error.retry_after_s)
        await self.log.note(
            "retry",
            direction,
            step.id,
            code=error.code,
            what=error.what,
            why=error.why,
            after_s=round(pause, 3),
            receipts=fault.receipts,
        )
        await self.log.wait(pause)

    async def _refuse(self, step: Step, direction: Direction, error: ReplankError, fault: Fault) -> StepEnd:
        await self.log.note(
            "step-refused",
            direction,
            step.id,
            code=error.code,
            what=error.what,
            why=error.why,
            todo=error.todo,
            receipts=fault.receipts,
        )
        return "refused"


def _held_too_long(step: Step, fault: Fault) -> Refused:
    error = fault.error
    what = f"Step {step.id} was on hold too long"
    return Refused("RP801", what, f"{error.code} {error.reason}", error.todo)


def _tried_enough(step: Step, fault: Fault, tries: int) -> Refused:
    error = fault.error
    what = f"Step {step.id} did not work in {tries} tries"
    return Refused("RP803", what, f"{error.code} {error.reason}", error.todo)
