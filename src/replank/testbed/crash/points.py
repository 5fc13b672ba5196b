"""Where a run can be killed. The points come from the plan, so a new step has its own by itself.

A point is a line of text: `<direction> <step> <word>`, `<direction> <step> write <what>` or
`<direction> run <event>`. Which writes a step makes, only a run can tell: those points are met, not planned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from replank.journal.event import Direction, Event, EventKind
from replank.plan.model import Irreversible, Step
from replank.plan.takeover import TakeoverPlan

BEGIN: Final = "begin"
"""Before the step's first event of this process."""

_PLANNED: Final[Mapping[Direction, tuple[str, ...]]] = {
    "apply": (BEGIN, "found", "applied", "step-done"),
    "undo": (BEGIN, "applied", "step-done"),
}
_AFTER: Final[frozenset[EventKind]] = frozenset(
    {"found", "applied", "step-done", "not-undone", "hold", "run-started", "approved", "resumed", "run-done"}
)
_LEASE: Final = "/leases/"


def planned_points(plan: TakeoverPlan, direction: Direction) -> tuple[str, ...]:
    """Those that every run of the plan should pass, in its order; without stages on request."""
    steps = [step for stage in plan.stages if not stage.on_request for step in stage.steps]
    if direction == "undo":
        steps.reverse()
    return tuple(point(direction, step.id, word) for step in steps for word in _words(step, direction))


def point(direction: Direction, step_id: str, word: str) -> str:
    """`step_id` "" = the run itself."""
    return f"{direction} {step_id or 'run'} {word}"


def before(event: Event) -> str:
    """The point right before the event is written down, "" for none."""
    return point(event.direction, event.step, BEGIN) if event.kind == "step-started" else ""


def after(event: Event) -> str:
    """The point right after it, "" for none. Checks and tries are no points: they change nothing."""
    return point(event.direction, event.step, event.kind) if event.kind in _AFTER else ""


def is_write_of_a_step(receipt: str) -> bool:
    """The lease is written all the time, by no step."""
    return _LEASE not in receipt


def write_word(receipt: str, number: int) -> str:
    """`receipt`: as `ports/receipts.py` has it, its IDs left out; `number`: how often in this process."""
    what = " ".join(receipt.split()[:2])
    return f"write {what}" + (f" #{number}" if number > 1 else "")


def _words(step: Step, direction: Direction) -> tuple[str, ...]:
    if direction == "undo" and isinstance(step.undo, Irreversible):
        return ("not-undone",)
    return _PLANNED[direction]
