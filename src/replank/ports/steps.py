"""The code behind a plan's steps and checks. Plans are data; a registry binds their kinds to these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from replank.domain.verdict import Verdict
from replank.inventory.facts.json_value import JSON
from replank.plan.model import Plan, Step
from replank.ports.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Where code runs: a step of a plan, with a cluster's systems at hand.

    `before`: what `found` of this step answered before its first apply; None in `found` itself.
    """

    plan: Plan
    step: Step
    access: Access
    before: JSON = None


class StepCode(Protocol):
    """One kind of step. Every method may run again after a crash at any point, and must then end the same.

    Raises `Hold`, `Transient`, `Refused` and nothing else. Returns JSON without secrets.
    """

    async def found(self, at: At, /) -> JSON:
        """What is there now and `undo` must put back. Only reads."""
        ...

    async def apply(self, at: At, /) -> JSON:
        """Does it, and says what it did."""
        ...

    async def undo(self, at: At, /) -> JSON:
        """Puts back what `at.before` says was found. Whatever is already so is left alone."""
        ...


class CheckCode(Protocol):
    """One kind of check. Only reads (but for probes whose refusal is the point). Raises as `StepCode`."""

    async def __call__(self, at: At, params: Mapping[str, JSON], /) -> Verdict:
        """The verdict now; the engine asks again where it is `wait` or `unknown`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What a migration hands to the engine. `undo_kinds` of a plan are those of its steps' codes: an `Undo`
    names in words what `StepCode.undo` of the step's own kind does."""

    steps: Mapping[str, StepCode]
    checks: Mapping[str, CheckCode]
