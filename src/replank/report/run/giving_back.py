"""What an undo would bring back from where the run stands, what it would not, and what it has not."""

from __future__ import annotations

from collections.abc import Sequence

from replank.journal.state import RunState
from replank.report.run.model import GiveBack, StepReport


def give_back(steps: Sequence[StepReport], state: RunState) -> GiveBack:
    """By step, in the order in which an undo goes."""
    started = [step for step in reversed(steps) if step.id in state.steps and state.steps[step.id].started]
    never = [(s.id, s.irreversible or s.lossy) for s in started if (s.irreversible or s.lossy)]
    return GiveBack(
        steps=tuple((s.id, s.undo) for s in started if s.undo),
        never=tuple(never),
        lost=tuple((s.id, s.not_undone) for s in steps if s.status == "not-undone"),
    )
