"""What the node's part says of itself: `status`, `check`, and the lines of its journal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, ValidationError

from replank.domain.errors import Refused
from replank.inventory.facts.json_value import JSON
from replank.migrations.runtime_swap.node.words import AT_REST, Outcome

SCHEMA = "replank-swap-status/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStatus:
    """`state`: `begun`, `done` or `undone`. `seconds`: from begun to done, None if it never was."""

    name: str
    state: str
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStatus:
    """A precondition of staging, and what is amiss with it; nothing: it holds."""

    name: str
    amiss: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a command was not carried out. Nothing was touched."""

    code: str
    why: str
    todo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramUse:
    """What all processes of one program use. `program`: its path. `pss_bytes`: proportional set size."""

    program: str
    processes: int
    pss_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeUse:
    """What the runtime used for `seconds`."""

    seconds: float
    programs: tuple[ProgramUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """The JSON that every command prints.

    `code`, `what`, `why`, `todo`: the last word's message. `attempt`: swaps staged on this node so far.
    `deadline`: epoch seconds. `window_seconds`: from the kubelet's stop (in place: from the restart) until
    the node was well, None before. `stays`: what undo or commit had to leave, and why. `kept`: folder of
    originals and logs. `working`: a command is at work now. `rebooted`: since a swap in place began.
    `entries`: lines of the journal. `refused`: this command was. `measured`: what `measure` has read.
    """

    outcome: Outcome
    code: str = ""
    what: str = ""
    why: str = ""
    todo: str = ""
    id: str = ""
    strategy: str = ""
    attempt: int = 0
    phases: tuple[PhaseStatus, ...] = ()
    deadline: float | None = None
    committing: bool = False
    window_seconds: float | None = None
    stays: tuple[str, ...] = ()
    kept: str = ""
    working: bool = False
    rebooted: bool = False
    entries: int = 0
    refused: Refusal | None = None
    measured: RuntimeUse | None = None
    checks: tuple[CheckStatus, ...] = ()
    ok: bool | None = None
    schema: str = SCHEMA

    @property
    def at_rest(self) -> bool:
        """True if the node will not move by itself: it serves, or it is stuck."""
        return self.outcome in AT_REST and not self.working


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One line of the journal. `at`: epoch seconds. `rest`: what else this event says."""

    at: float
    event: str
    phase: str = ""
    rest: dict[str, JSON] = field(default_factory=dict)


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="forbid")

    status: NodeStatus


def read_status(data: bytes, *, where: str) -> NodeStatus:
    """What a command printed. Raises `Refused` RP498 where this replank's node part does not print that."""
    try:
        status = _Envelope.model_validate_json(json.dumps({"status": json.loads(data)})).status
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _unreadable(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}", where) from error
    except ValueError as error:
        raise _unreadable("it is not JSON", where) from error
    if status.schema != SCHEMA:
        raise _unreadable(f"it says {status.schema!r}, this replank reads {SCHEMA!r}", where)
    return status


def read_journal(data: bytes, *, where: str) -> tuple[JournalEntry, ...]:
    """The entries of a journal; a last line that a crash cut short is left out. Raises `Refused` RP498."""
    entries = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        try:
            rest = json.loads(line)
            at, event, phase = rest.pop("at"), rest.pop("event"), rest.pop("phase", "")
        except (ValueError, KeyError, AttributeError) as error:
            raise _unreadable(f"line {number} of the journal is no entry", where) from error
        entries.append(JournalEntry(at=at, event=event, phase=phase, rest=rest))
    return tuple(entries)


def _unreadable(why: str, where: str) -> Refused:
    return Refused(
        "RP498",
        "The node's answer cannot be read",
        why,
        "Put this replank's node part onto the node again, then ask for its status.",
        where=where,
    )
