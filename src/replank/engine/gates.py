"""The checks before and after a step: asked until all pass in one round, one fails, or it takes too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from replank.domain.errors import Refused, ReplankError, Transient
from replank.domain.verdict import Verdict, unseen, waiting
from replank.engine.calling import Fault, bug, called
from replank.engine.json_only import as_json
from replank.engine.patience import Patience
from replank.engine.run_log import RunLog
from replank.journal.event import Direction
from replank.plan.model import Plan, PlanCheck
from replank.ports.steps import At, Registry

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class _Asked:
    verdict: Verdict
    error: ReplankError | None = None
    pause_s: float = 0.0


@dataclass(slots=True)
class Gates:
    """Asks a plan's checks and journals every verdict that says something new.

    `asks`: approvals that the checks which passed last make their pass depend on: word -> why.
    """

    log: RunLog
    registry: Registry
    patience: Patience
    direction: Direction = "apply"
    asks: dict[str, str] = field(default_factory=dict)
    _told: dict[tuple[When, int], tuple[str, str]] = field(default_factory=dict)

    def forget(self) -> None:
        """A step begins: whatever its checks say is news."""
        self._told.clear()

    async def hold_already(self, at: At[Plan], checks: Sequence[PlanCheck]) -> bool:
        """One look, without waiting: whether there are checks after the step, and all of them pass."""
        for number, check in enumerate(checks):
            asked = await self._ask(at, check)
            await self._tell(number, at, "after", check, asked)
            if asked.verdict.outcome != "pass":
                return False
        return bool(checks)

    async def passed(self, at: At[Plan], when: When, checks: Sequence[PlanCheck]) -> Fault | None:
        """Waits until all pass in the same round; the fault that stops the step otherwise.

        A round ends at the first check that does not pass. Deadlines run from where a check began not to
        pass. A check that could not look (`Transient`) is `unknown`, one on hold (`Hold`) is `wait`.
        """
        since: dict[int, float] = {}
        while True:
            self.asks = {}
            for number, check in enumerate(checks):
                asked = await self._ask(at, check)
                news = await self._tell(number, at, when, check, asked)
                if asked.verdict.outcome == "pass":
                    since.pop(number, None)
                    if asked.verdict.approval:
                        self.asks[asked.verdict.approval] = asked.verdict.why
                    continue
                news = news or number not in since
                begun = since.setdefault(number, self.log.clock.now())
                fault = await self._hold(at, when, check, asked, begun, news)
                if fault is not None:
                    return fault
                await self.log.wait(max(self.patience.poll_s, asked.pause_s))
                break
            else:
                return None

    async def _ask(self, at: At[Plan], check: PlanCheck) -> _Asked:
        code = self.registry.checks[check.kind]
        answer = await called(f"check {check.kind} of step {at.step.id}", code(at, check.params))
        if not isinstance(answer, Fault):
            return _clean(answer, f"check {check.kind} of step {at.step.id}")
        error = answer.error
        match answer.policy:
            case "hold":
                return _Asked(waiting(error.reason), error)
            case "retry":
                pause = error.retry_after_s if isinstance(error, Transient) else None
                return _Asked(unseen(error.reason), error, pause or 0.0)
            case "stop":
                return _Asked(Verdict(outcome="fail", why=error.reason, todo=error.todo), error)

    async def _hold(
        self, at: At[Plan], when: When, check: PlanCheck, asked: _Asked, begun: float, news: bool
    ) -> Fault | None:
        """A verdict that is no pass: the fault that ends it, or a note that it is waited for."""
        verdict, now = asked.verdict, self.log.clock.now()
        if verdict.outcome == "fail":
            return Fault(policy="stop", error=asked.error or _failed(at, when, check, verdict))
        deadline = begun + self._limit(when, check, asked)
        if now >= deadline:
            return Fault(policy="stop", error=_too_long(at, when, check, verdict, now - begun))
        if news:
            await self.log.note(
                "hold",
                self.direction,
                at.step.id,
                code=asked.error.code if asked.error else "RP801",
                what=f"Check {when} the step: {check.says}",
                why=verdict.why,
                todo=verdict.todo or "It is asked again until then.",
                deadline=deadline,
            )
        return None

    def _limit(self, when: When, check: PlanCheck, asked: _Asked) -> float:
        people = when == "before" and check.kind.startswith("terraform.")
        held = asked.error is not None and asked.verdict.outcome == "wait"
        return self.patience.hold_s if people or held else self.patience.gate_s

    async def _tell(self, number: int, at: At[Plan], when: When, check: PlanCheck, asked: _Asked) -> bool:
        """Journals the verdict where it is another one than last time; whether it was."""
        verdict = asked.verdict
        now = (verdict.outcome, verdict.why)
        if self._told.get((when, number)) == now:
            return False
        self._told[when, number] = now
        await self.log.note(
            "check",
            self.direction,
            at.step.id,
            when=when,
            kind=check.kind,
            says=check.says,
            outcome=verdict.outcome,
            why=verdict.why,
            todo=verdict.todo,
            evidence=verdict.evidence,
        )
        return True


def _clean(verdict: Verdict, doing: str) -> _Asked:
    """Evidence that is not JSON cannot be journaled, and a verdict without its evidence is none."""
    try:
        as_json(verdict.evidence)
    except TypeError as error:
        refused = bug(doing, error)
        return _Asked(Verdict(outcome="fail", why=refused.reason, todo=refused.todo), refused)
    return _Asked(verdict)


def _failed(at: At[Plan], when: When, check: PlanCheck, verdict: Verdict) -> Refused:
    if when == "before":
        what = f"Step {at.step.id} was not begun; check: {check.says}"
        return Refused("RP800", what, verdict.why, verdict.todo)
    what = f"Step {at.step.id} did not do what it should; check: {check.says}"
    return Refused("RP805", what, verdict.why, verdict.todo)


def _too_long(at: At[Plan], when: When, check: PlanCheck, verdict: Verdict, waited_s: float) -> Refused:
    return Refused(
        "RP801",
        f"Step {at.step.id} was on hold for {waited_s:.0f} s; check {when}: {check.says}",
        verdict.why,
        verdict.todo or "See to it, then `replank resume`, or `replank undo`.",
    )
