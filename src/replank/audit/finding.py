"""What an audit says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from replank.domain.severity import Severity
from replank.inventory.facts.snapshot import Snapshot

NEWEST_LTS: Final = "2.3.5"
"""The containerd that a runtime swap leads to where nobody says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding.

    `code`: `RPnnn`, its long text is in `audit/texts/<code>.md`. `subject`: the thing it is about, as
    `server cp-1` or `port 3f2a... of worker-2`. `evidence`: what was seen, one fact a line. `consequence`:
    what would happen. `remedy`: what to do. `unknown`: the check could not be made; `evidence` says why, and
    the finding counts with the check's full severity (an unknown never passes).
    """

    code: str
    severity: Severity
    subject: str
    evidence: tuple[str, ...]
    consequence: str
    remedy: str
    unknown: bool = False

    @property
    def sort_key(self) -> tuple[int, str, bool, str]:
        """Worst first, then by code, seen before unknown, then by subject."""
        return (self.severity.rank, self.code, self.unknown, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What a check may know besides the snapshot.

    `now`: timezone-aware; a check never asks a clock. `certificate_days`: how near an expiry is too near.
    `expected_region`: region in providerIDs that a Machine would carry, "" = none, None = whatever the Nodes
    carry, as the plan takes it from them. `containerd`: the version that a runtime swap leads to.
    """

    now: datetime
    certificate_days: int = 90
    cluster_api_version: str = "v1.14.0"
    capo_version: str = "v0.14.7"
    load_balancer: str = "auto"
    rename_servers: bool = False
    new_image: str = ""
    new_control_plane_image: str = ""
    expected_region: str | None = None
    containerd: str = NEWEST_LTS


Check = Callable[[Snapshot, AuditSettings], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredCheck:
    """A check with the codes that it may report."""

    codes: tuple[str, ...]
    run: Check


@dataclass(slots=True)
class CheckRegistry:
    """An ordered set of checks. Each migration has its own."""

    checks: list[RegisteredCheck] = field(default_factory=list)

    def check(self, *codes: str) -> Callable[[Check], Check]:
        """Decorator: registers a function that reports only `codes`."""

        def register(function: Check) -> Check:
            self.checks.append(RegisteredCheck(codes=codes, run=function))
            return function

        return register

    def run(self, snapshot: Snapshot, settings: AuditSettings) -> tuple[Finding, ...]:
        """All findings, sorted worst first, equal ones once. The order of the checks does not matter."""
        found = {finding for registered in self.checks for finding in registered.run(snapshot, settings)}
        return tuple(sorted(found, key=lambda finding: (finding.sort_key, finding.evidence)))
