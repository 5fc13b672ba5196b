"""The code behind a plan's steps and checks. Plans are data; a registry binds their kinds to these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from replank.domain.verdict import Verdict
from replank.inventory.facts.json_value import JSON
from replank.plan.model import Plan, Step
from replank.ports.access import Access

PlanT = TypeVar("PlanT", bound=Plan, covariant=True)
"""The migration's own kind of plan: a registry binds kinds of steps to code, and so to such plans."""
_PlanT = TypeVar("_PlanT", bound=Plan, contravariant=True)


@dataclass(frozen=True, kw_only=True)  # No slots: `At[...](...)` sets __orig_class__.
class At(Generic[PlanT]):
    """Where code runs: a step of a plan, with a cluster's systems at hand.

    `before`: what `found` of this step answered before its first apply; None in `found` itself.
    """

    plan: PlanT
    step: Step
    access: Access
    before: JSON = None


class StepCode(Protocol[_PlanT]):
    """One kind of step. Every method may run again after a crash at any point, and must then end the same.

    Raises `Hold`, `Transient`, `Refused` and nothing else. Returns JSON without secrets.
    """

    async def found(self, at: At[_PlanT], /) -> JSON:
        """What is there now and `undo` must put back. Only reads."""
        ...

    async def apply(self, at: At[_PlanT], /) -> JSON:
        """Does it, and says what it did."""
        ...

    async def undo(self, at: At[_PlanT], /) -> JSON:
        """Puts back what `at.before` says was found. Whatever is already so is left alone."""
        ...


class CheckCode(Protocol[_PlanT]):
    """One kind of check. Only reads (but for probes whose refusal is the point). Raises as `StepCode`."""

    async def __call__(self, at: At[_PlanT], params: Mapping[str, JSON], /) -> Verdict:
        """The verdict now; the engine asks again where it is `wait` or `unknown`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What a migration hands to the engine. `undo_kinds` of a plan are those of its steps' codes: an `Undo`
    names in words what `StepCode.undo` of the step's own kind does."""

    steps: Mapping[str, StepCode[Any]]
    checks: Mapping[str, CheckCode[Any]]
