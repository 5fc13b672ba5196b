"""What a verification says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from replank.domain.unknown import Fact

Outcome = Literal["pass", "fail", "unknown", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer of one check.

    `code`: stable, RP740 to RP759. `says`: what is asked, as a statement that holds where it passes.
    `subject`: the object it is about, "" = the cluster. `why`: what was seen; "" for a pass. `todo`: what to
    do about it. `evidence`: one fact a line, never a secret.
    """

    code: str
    outcome: Outcome
    says: str
    subject: str = ""
    why: str = ""
    todo: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a machine has now and what its replacement would have. `changed` None: cannot be said."""

    what: str
    now: Fact[str]
    then: Fact[str]
    changed: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What a rollout would replace a Machine by. `keeper`: `Kind/name` of who would do it, "" = nobody:
    `parts` is empty then. `server`: UUID, "" = none is known."""

    machine: str
    server: str
    keeper: str
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """`judged_by`: whose code said what would roll. `findings`: by code, then subject."""

    cluster: str
    namespace: str
    judged_by: Fact[str]
    findings: tuple[Finding, ...]
    replacements: tuple[Replacement, ...]

    @property
    def passed(self) -> bool:
        """Nothing fails and everything was seen. Notes are no faults."""
        return all(finding.outcome in ("pass", "note") for finding in self.findings)
