"""What a run's report says, as data. Times are seconds since 1970; None = it has not come to that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from replank.inventory.facts.json_value import JSON
from replank.journal.event import Direction
from replank.journal.state import StepStatus
from replank.probe.judge import ProbeResult
from replank.report.run.before_after import NodeFigures

SCHEMA: Final = "replank.report/v1"

Ending = Literal[
    "taken-over",
    "swapped",
    "stage-reached",
    "undone",
    "partly-undone",
    "running",
    "paused",
    "waiting-for-approval",
    "refused",
    "aborted",
]
Tone = Literal["good", "wait", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """`says`: a few words. `because`: a sentence, `next`: what to do now, one entry a line."""

    ending: Ending
    tone: Tone
    says: str
    because: str
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A check of the plan and what it answered last. `outcome` "not asked": the journal has no answer.
    `asked`: how many different answers it gave. `params`: of the plan."""

    when: Literal["before", "after"]
    kind: str
    says: str
    outcome: Literal["pass", "wait", "fail", "unknown", "not asked"]
    at: float | None = None
    asked: int = 0
    why: str = ""
    todo: str = ""
    evidence: Mapping[str, JSON] = field(default_factory=dict)
    params: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Something was waited for, from `at` to `until` (None = still). `deadline`: then it is refused."""

    step: str
    at: float
    until: float | None
    code: str
    what: str
    why: str
    todo: str
    deadline: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A step was tried again after `after_s` seconds."""

    step: str
    at: float
    code: str
    what: str
    why: str
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a step was not gone on with."""

    step: str
    at: float
    direction: Direction
    code: str
    what: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """What a step's code answered. `receipts`: request IDs of OpenStack, audit IDs of Kubernetes."""

    at: float
    direction: Direction
    evidence: JSON
    receipts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """A step of the plan and what became of it.

    `params`: of the plan. `already`: it was found done. `before`: what was found there, where `found` says
    that it was written down. `undo`: how it is undone, "" where it cannot be; `irreversible`: why not.
    `lossy`: why its undo does not bring back everything. `not_undone`: why undo passed it over.
    """

    id: str
    kind: str
    says: str
    params: Mapping[str, JSON]
    status: StepStatus
    attempts: int
    started_at: float | None
    ended_at: float | None
    already: bool
    approval: str
    gates: tuple[Gate, ...]
    found: bool
    before: JSON
    did: tuple[Did, ...]
    undo: str
    irreversible: str
    lossy: str
    not_undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """`seconds`: from its first step's start to its last step's end, pauses included; None = not begun or not
    ended. `held_s`: of it on hold. `rest`: what state the cluster is in after it."""

    name: str
    title: str
    rest: str
    steps: tuple[StepReport, ...]
    started_at: float | None
    ended_at: float | None
    held_s: float
    retries: int
    on_request: bool = False

    @property
    def done(self) -> int:
        """Steps done."""
        return sum(1 for step in self.steps if step.status == "done")

    @property
    def status(self) -> str:
        """In one word, as the worst or liveliest of its steps."""
        found = {step.status for step in self.steps}
        for status in ("refused", "held", "running"):
            if status in found:
                return status
        if found <= {"done"}:
            return "done"
        if found <= {"undone", "not-undone", "pending"} and found & {"undone", "not-undone"}:
            return "undone"
        return "pending" if found <= {"pending"} else "partly done"

    @property
    def seconds(self) -> float | None:
        """How long it took, None before its end."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A server or port before and after. `same` None: nobody looked. `by`: the check that looked last."""

    kind: Literal["server", "port"]
    id: str
    machine: str
    name_before: str
    name_after: str
    same: bool | None
    at: float | None
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSwap:
    """A node whose runtime is swapped. `runtime`, `to`: as a Node shows it. `status`: of its swap's step.

    `window_s`: seconds from the kubelet's stop (in place: the daemon's) until all was well; None = not told.
    `pods`: what the check of its pods says and answered, "" = nobody looked.
    """

    node: str
    role: str
    strategy: str
    runtime: str
    to: str
    status: StepStatus
    window_s: float | None
    pods: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """`at` None: it is asked for and nobody has given it. `who`, `how`: of the one who gave it."""

    word: str
    step: str
    why: str
    asked_at: float | None
    at: float | None
    who: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveBack:
    """What an undo from here would do. `steps`: (step, how) in the order of the undo. `never`: (step, why not
    or what is lost). `lost`: (step, why) of those that an undo has passed over already."""

    steps: tuple[tuple[str, str], ...]
    never: tuple[tuple[str, str], ...]
    lost: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Everything. `at`: when the report was made. `started_at`, `last_at`: of the first and last event.
    `current_step`: the one under way, "" = none."""

    run_id: str
    cluster: str
    migration: str
    plan_sha256: str
    holder: str
    version: str
    at: float
    started_at: float | None
    last_at: float | None
    direction: Direction
    headline: Headline
    current_step: str
    current_hold: Hold | None
    stages: tuple[StageReport, ...]
    identities: tuple[Identity, ...]
    approvals: tuple[Approval, ...]
    holds: tuple[Hold, ...]
    retries: tuple[Retry, ...]
    refusals: tuple[Refusal, ...]
    drift: JSON
    give_back: GiveBack
    probe: ProbeResult | None
    unproven: tuple[str, ...]
    nodes: tuple[NodeSwap, ...] = ()
    performance: tuple[NodeFigures, ...] = ()
    schema: str = SCHEMA

    @property
    def steps(self) -> tuple[StepReport, ...]:
        """All steps, in the plan's order."""
        return tuple(step for stage in self.stages for step in stage.steps)
