"""Where runs stand, for the terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from replank.app.runs import Standing, step_ids, utc
from replank.journal.event import SCHEMA, Direction, Event
from replank.report.terminal.status_view import RunRow


def row_of(found: Standing, *, worked_on: bool) -> RunRow:
    """One run. `worked_on`: whether a process holds its lock. Of a run that another version wrote, only its
    name and age are understood."""
    run, state = found.run, found.state
    understood = run.schema == SCHEMA
    step = _where(found) if understood else ""
    done, steps = _counted(found) if understood else (0, 0)
    left = state.status == "running" and not worked_on
    held = state.status == "running" and bool(step) and state.steps[step].status == "held"
    return RunRow(
        run=run.id,
        cluster=run.cluster,
        status=state.status,
        direction=state.direction,
        stage=step.partition("/")[0],
        step=step,
        done=done,
        steps=steps,
        why=_left(found.run.id, state.direction)
        if left
        else state.why or (state.steps[step].why if step else ""),
        held=held and not left,
        left=left,
        at=utc(found.events[-1].at if found.events else run.started_at),
        holder=_holder(found.events) or run.holder,
        understood=understood,
    )


def needs_attention(row: RunRow) -> bool:
    """Whether somebody should do something about it."""
    waits = row.status in ("refused", "paused", "waiting-for-approval")
    return waits or row.held or row.left or not row.understood


def as_dicts(rows: Iterable[RunRow]) -> list[dict[str, object]]:
    """As JSON."""
    return [asdict(row) for row in rows]


def _left(run_id: str, direction: Direction) -> str:
    doing = "undoing" if direction == "undo" else "applying"
    return f"no process is {doing} it any more; `replank resume {run_id}` goes on"


def _where(found: Standing) -> str:
    """The step that is at work, waits or was refused; "" at an end."""
    if found.state.status in ("done", "undone", "aborted"):
        return ""
    of_steps = [event.step for event in found.events if event.step]
    return of_steps[-1] if of_steps else ""


def _counted(found: Standing) -> tuple[int, int]:
    steps = found.state.steps.values()
    if found.state.direction == "undo":
        undone = sum(1 for step in steps if step.status in ("undone", "not-undone"))
        return undone, undone + sum(1 for step in steps if step.started)
    done = {step_id for step_id, step in found.state.steps.items() if step.status == "done"}
    return len(done), len(done | set(step_ids(found.run)))


def _holder(events: Iterable[Event]) -> str:
    holders = [str(event.data["holder"]) for event in events if "holder" in event.data]
    return holders[-1] if holders else ""
