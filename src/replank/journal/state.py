"""Where a run stands: a pure fold over its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from replank.inventory.facts.json_value import JSON
from replank.journal.event import Direction, Event

StepStatus = Literal["pending", "running", "held", "done", "refused", "undone", "not-undone"]
RunStatus = Literal["running", "paused", "waiting-for-approval", "refused", "aborted", "done", "undone"]


@dataclass(slots=True)
class StepState:
    """`before`: what the first apply found; `found` says whether that was written down."""

    status: StepStatus = "pending"
    started: bool = False
    found: bool = False
    before: JSON = None
    attempts: int = 0
    why: str = ""


@dataclass(slots=True)
class RunState:
    """`steps`: by id, only those that something happened to. `approved`: words and step ids."""

    status: RunStatus = "running"
    direction: Direction = "apply"
    steps: dict[str, StepState] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    why: str = ""

    def step(self, step_id: str) -> StepState:
        """The step's state; a new one if nothing happened to it."""
        return self.steps.setdefault(step_id, StepState())


def state_of(events: Iterable[Event]) -> RunState:
    """The state after all events."""
    state = RunState()
    for event in events:
        take(state, event)
    return state


def take(state: RunState, event: Event) -> None:
    """Goes on by one event."""
    if event.step:
        _take_step(state, event)
    match event.kind:
        case "run-started" | "resumed":
            state.status, state.direction, state.why = "running", event.direction, ""
        case "paused":
            state.status, state.why = "paused", str(event.data.get("why", ""))
        case "aborted":
            state.status = "aborted"
        case "approval-needed":
            state.status, state.why = "waiting-for-approval", str(event.data.get("why", ""))
        case "approved":
            state.approved.add(str(event.data["word"]))
        case "step-refused":
            state.status, state.why = "refused", str(event.data.get("why", ""))
        case "run-done":
            state.status = "done" if event.direction == "apply" else "undone"


def _take_step(state: RunState, event: Event) -> None:
    step = state.step(event.step)
    undo = event.direction == "undo"
    match event.kind:
        case "step-started":
            step.status, step.started, step.why = "running", True, ""
            step.attempts += 1
        case "found":
            step.found, step.before = True, event.data.get("before")
        case "hold":
            step.status, step.why = "held", str(event.data.get("why", ""))
        case "check" if step.status == "held" and event.data.get("outcome") == "pass":
            step.status, step.why = "running", ""
        case "step-done":
            step.status = "undone" if undo else "done"
            if undo:
                step.started, step.found, step.before = False, False, None
        case "not-undone":
            step.status, step.started = "not-undone", False
        case "step-refused":
            step.status, step.why = "refused", str(event.data.get("why", ""))
