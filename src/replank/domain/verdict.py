"""What a check answers. Nothing but `pass` lets anything go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["pass", "wait", "fail", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A check's answer.

    `outcome`: pass; wait (not so now, expected to come true by itself: asked again until the deadline); fail
    (stops the cluster at once); unknown (could not look: asked again until the deadline, then stops).
    `why`: what was seen, for everything but a pass. `todo`: what to do about a fail. `evidence`: JSON values
    that show it, never a secret. `approval`: the word of an approval without which a pass before a step does
    not let it begin; `why` then says what a person must know.
    """

    outcome: Outcome
    why: str = ""
    todo: str = ""
    evidence: Mapping[str, object] = field(default_factory=dict)
    approval: str = ""


def passed(**evidence: object) -> Verdict:
    """It is so."""
    return Verdict(outcome="pass", evidence=evidence)


def waiting(why: str, **evidence: object) -> Verdict:
    """It is not so yet."""
    return Verdict(outcome="wait", why=why, evidence=evidence)


def failed(why: str, todo: str, **evidence: object) -> Verdict:
    """It is not so, and waiting does not help."""
    return Verdict(outcome="fail", why=why, todo=todo, evidence=evidence)


def unseen(why: str) -> Verdict:
    """Nobody could look."""
    return Verdict(outcome="unknown", why=why)
