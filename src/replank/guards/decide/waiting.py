"""What becomes of a hook: released, waited for, or let go at a deadline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from replank.guards.decision import Reason, Release, Word
from replank.guards.sight import MachineSight

OnDeadline = Literal["wait", "warn", "let-go"]


def word(
    machine: MachineSight,
    hook: str,
    reasons: Sequence[Reason],
    *,
    at: float,
    deadline_s: float,
    on_deadline: OnDeadline,
) -> Word:
    """Without reasons the hook is released. With a fatal one it is not, however long it takes. Nobody is late
    in the first round."""
    since = machine.waiting_since
    late = since is not None and at - since >= deadline_s
    state: Literal["waiting", "overdue", "released", "forced"]
    if not reasons:
        state = "released"
    elif not late:
        state = "waiting"
    elif on_deadline == "let-go" and not any(reason.fatal for reason in reasons):
        state = "forced"
    else:
        state = "overdue"
    warn = state == "forced" or (state == "overdue" and on_deadline != "wait")
    return Word(
        machine=machine.name, uid=machine.uid, hook=hook, state=state, reasons=tuple(reasons), warn=warn
    )


def release(said: Word) -> tuple[Release, ...]:
    """The action that goes with a word."""
    return (Release(said.machine, said.uid, said.hook),) if said.state in ("released", "forced") else ()
