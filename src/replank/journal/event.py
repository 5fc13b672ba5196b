"""One thing that happened in a run. A run's journal is its events in order, and nothing else.

No event holds a secret: steps return digests and IDs, and errors are `ReplankError`s, whose parts hold none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON

SCHEMA: Final = "replank.journal/v1"
"""Also the application version of the durable workflows: a run of another one is never resumed by itself."""

Direction = Literal["apply", "undo"]

EventKind = Literal[
    "run-started",  # {plan_sha256, holder, until, version}
    "step-started",  # {attempt}
    "found",  # {before}: what undo restores; written once a step, before its first apply
    "check",  # {when: before|after, kind, says, outcome, why, todo, evidence}
    "hold",  # {code, what, why, todo, deadline}: deadline in seconds since 1970
    "retry",  # {code, what, why, after_s}
    "applied",  # {evidence, receipts}: receipts are request IDs of OpenStack and audit IDs of Kubernetes
    "step-done",  # {already}: already true = it was so before, nothing was applied
    "step-refused",  # {code, what, why, todo}
    "not-undone",  # {why}: an irreversible step, passed over by undo
    "approval-needed",  # {word, why}
    "approved",  # {word, who, how}
    "paused",  # {why}
    "resumed",  # {holder, until}
    "aborted",  # {holder}
    "drift",  # {differences}
    "probe",  # {summary}
    "run-done",  # {until}
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`at`: seconds since 1970. `step`: a step's id, "" = the run itself."""

    at: float
    kind: EventKind
    direction: Direction = "apply"
    step: str = ""
    data: Mapping[str, JSON] = field(default_factory=dict)
