"""Whether a run left anything to do, so that the next one of its cluster must wait."""

from __future__ import annotations

from collections.abc import Sequence

from replank.engine.walk import to_apply, to_undo
from replank.journal.event import SCHEMA, Event
from replank.journal.state import state_of
from replank.plan import codec
from replank.plan.codec import AnyPlan
from replank.ports.journal import Run


def plan_of(run: Run) -> AnyPlan:
    """The plan as the journal has it. Raises `Refused` (RP032 to RP036)."""
    return codec.load(run.plan.encode(), where=f"run {run.id}")


def unfinished(run: Run, events: Sequence[Event]) -> str:
    """Why it is not finished, "" where it is: taken over to the end, given back wholly, or aborted.

    Of a run of another schema only its last word is understood.
    """
    if run.schema != SCHEMA:
        ended = bool(events) and events[-1].kind in ("run-done", "aborted")
        return "" if ended else f"it is of schema {run.schema}"
    state = state_of(events)
    if state.status == "aborted":
        return ""
    plan = plan_of(run)
    if state.status == "done":
        left = to_apply(plan, state, "")
        return f"its next step is {left[0].id}" if left else ""
    if state.status == "undone":
        left = to_undo(plan, state, "")
        return f"its undo ended before {left[0].id}" if left else ""
    return f"it is {state.status}"
