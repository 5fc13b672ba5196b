"""One line an event, for live progress and `replank log`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from replank.inventory.facts.json_value import JSON
from replank.journal.event import Event, EventKind
from replank.plan.model import Plan
from replank.report.run.events import number, word, words
from replank.report.terminal.layout import say
from replank.report.time_words import clock, lasting
from replank.report.words import count

_QUIET: Final[tuple[EventKind, ...]] = ("found", "check")
"""What a check says is told by the hold or the refusal that follows it."""

_STYLES: Final[Mapping[str, str]] = {
    "step-done": "green",
    "run-done": "bold green",
    "step-refused": "bold red",
    "aborted": "bold red",
    "not-undone": "red",
    "hold": "yellow",
    "retry": "yellow",
    "approval-needed": "bold yellow",
    "paused": "yellow",
    "drift": "yellow",
}


def event_line(event: Event, plan: Plan, *, every: bool = False) -> Text | None:
    """`12:03:09 begins     align-names/02-...: Rename port ...`.

    None for checks and for what only the journal needs, unless `every`.
    """
    if event.kind in _QUIET and not every:
        return None
    what, says = _words(event, plan)
    style = _STYLES.get(event.kind, "")
    line = Text.assemble((f"{clock(event.at)} ", "dim"), (f"{what:<10} ", style))
    if event.step:
        line.append(say(event.step, "cyan"))
        line.append(": " if says else "")
    line.append(say(" ".join(says.split())))
    return line


def _words(event: Event, plan: Plan) -> tuple[str, str]:
    """What happened in a word or two, and in a sentence."""
    if event.step:
        return _step_words(event, plan)
    return _run_words(event)


def _run_words(event: Event) -> tuple[str, str]:
    data, undo = event.data, event.direction == "undo"
    until = word(data, "until")
    match event.kind:
        case "run-started":
            return (
                "begins",
                f"by {word(data, 'holder') or 'nobody named'}{f', until stage {until}' if until else ''}",
            )
        case "run-done":
            return ("undone" if undo else "reached"), f"back to stage {until}" if undo and until else (
                until or ("everything" if undo else "the end")
            )
        case "paused":
            return "paused", word(data, "why")
        case "resumed":
            return "goes on", f"by {word(data, 'holder') or 'nobody named'}{', undoing' if undo else ''}"
        case "aborted":
            return "aborted", f"by {word(data, 'holder') or 'nobody named'}"
        case "drift":
            return "differs", f"the cluster is not as it was surveyed: {_differences(data)}"
        case "probe":
            return "probes", _probe(data)
        case "approved":
            return "approved", f"{word(data, 'word')}, by {word(data, 'who') or 'nobody named'}"
        case _:
            return event.kind, word(data, "why")


def _step_words(event: Event, plan: Plan) -> tuple[str, str]:
    data, undo = event.data, event.direction == "undo"
    match event.kind:
        case "step-started":
            again = (number(data, "attempt") or 1) > 1
            return ("undoes" if undo else "again" if again else "begins"), _says(event.step, plan, undo)
        case "check":
            why = f": {word(data, 'why')}" if word(data, "why") else ""
            return word(data, "outcome") or "unknown", f"{word(data, 'when')}: {word(data, 'says')}{why}"
        case "hold":
            deadline = number(data, "deadline")
            until = f" (at most {lasting(deadline - event.at)})" if deadline is not None else ""
            return "on hold", f"{word(data, 'code')} {word(data, 'why')}{until}. {word(data, 'todo')}"
        case "retry":
            pause = lasting(number(data, "after_s") or 0.0)
            return "retries", f"in {pause}: {word(data, 'code')} {word(data, 'why')}"
        case "applied":
            receipts = words(data, "receipts")
            return ("put back" if undo else "applied"), count(len(receipts), "receipt") if receipts else ""
        case "step-done":
            already = ", it was so already" if data.get("already") is True else ""
            return ("undone" if undo else "done"), already.removeprefix(", ")
        case "step-refused":
            parts = f"{word(data, 'code')} {word(data, 'what')}: {word(data, 'why')}"
            return "REFUSED", f"{parts}. {word(data, 'todo')}"
        case "not-undone":
            return "stays", word(data, "why")
        case "approval-needed":
            return "asks", f"approval of {word(data, 'word')}: {word(data, 'why')}"
        case "approved":
            return "approved", f"{word(data, 'word')}, by {word(data, 'who') or 'nobody named'}"
        case _:
            return event.kind, word(data, "why")


def _says(step_id: str, plan: Plan, undo: bool) -> str:
    for stage in plan.stages:
        for step in stage.steps:
            if step.id == step_id:
                back = getattr(step.undo, "says", "")
                return back if undo and back else step.says
    return ""


def _differences(data: Mapping[str, JSON]) -> str:
    value = data.get("differences")
    if isinstance(value, list):
        shown = "; ".join(str(item) for item in value[:3])
        return shown + (f"; and {len(value) - 3} more" if len(value) > 3 else "")
    return str(value)


def _probe(data: Mapping[str, JSON]) -> str:
    summary = data.get("summary")
    if isinstance(summary, dict):
        return f"{word(summary, 'outcome')}: {word(summary, 'why')}"
    return str(summary)
