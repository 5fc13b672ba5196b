"""Reading events. Another version may have written their JSON, so nothing in it is taken for granted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from replank.inventory.facts.json_value import JSON
from replank.journal.event import Event
from replank.report.run.model import Approval, Hold, Refusal, Retry


def word(data: Mapping[str, JSON], key: str) -> str:
    """A text, "" where there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else "" if value is None else str(value)


def number(data: Mapping[str, JSON], key: str) -> float | None:
    """A number, None where there is none."""
    value = data.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def words(data: Mapping[str, JSON], key: str) -> tuple[str, ...]:
    """A list of texts."""
    value = data.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def holds(events: Sequence[Event]) -> tuple[Hold, ...]:
    """Every hold and how long it went on: until its step, or the run, went on to something else."""
    found = []
    for index, event in enumerate(events):
        if event.kind == "hold":
            data = event.data
            found.append(
                Hold(
                    step=event.step,
                    at=event.at,
                    until=_until(event, events[index + 1 :]),
                    code=word(data, "code"),
                    what=word(data, "what"),
                    why=word(data, "why"),
                    todo=word(data, "todo"),
                    deadline=number(data, "deadline"),
                )
            )
    return tuple(found)


_GOES_ON = {
    "check",
    "found",
    "applied",
    "step-started",
    "step-done",
    "step-refused",
    "retry",
    "hold",
    "paused",
    "aborted",
    "resumed",
    "run-done",
}


def _until(hold: Event, later: Sequence[Event]) -> float | None:
    for event in later:
        if event.kind in _GOES_ON and event.step in ("", hold.step):
            return event.at
    return None


def retries(events: Sequence[Event]) -> tuple[Retry, ...]:
    """Every retry."""
    return tuple(
        Retry(
            step=e.step,
            at=e.at,
            code=word(e.data, "code"),
            what=word(e.data, "what"),
            why=word(e.data, "why"),
            after_s=number(e.data, "after_s") or 0.0,
        )
        for e in events
        if e.kind == "retry"
    )


def refusals(events: Sequence[Event]) -> tuple[Refusal, ...]:
    """Every refusal, also those that were mended later."""
    return tuple(
        Refusal(
            step=e.step,
            at=e.at,
            direction=e.direction,
            code=word(e.data, "code"),
            what=word(e.data, "what"),
            why=word(e.data, "why"),
            todo=word(e.data, "todo"),
        )
        for e in events
        if e.kind == "step-refused"
    )


def approvals(events: Sequence[Event]) -> tuple[Approval, ...]:
    """What was asked for, what was given, and what was given without being asked for."""
    asked: dict[str, Event] = {}
    given: list[Event] = []
    for event in events:
        if event.kind == "approval-needed":
            asked.setdefault(word(event.data, "word"), event)
        elif event.kind == "approved":
            given.append(event)
    by_word = {word(event.data, "word"): event for event in given}
    found = [
        _approval(name, asked.get(name), by_word.get(name)) for name in dict.fromkeys([*asked, *by_word])
    ]
    return tuple(sorted(found, key=lambda a: a.asked_at or a.at or 0.0))


def _approval(name: str, asked: Event | None, given: Event | None) -> Approval:
    return Approval(
        word=name,
        step=(asked.step if asked else "") or (given.step if given else ""),
        why=word(asked.data, "why") if asked else "",
        asked_at=asked.at if asked else None,
        at=given.at if given else None,
        who=word(given.data, "who") if given else "",
        how=word(given.data, "how") if given else "",
    )
