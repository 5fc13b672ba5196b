"""Findings put together for reading: by severity, then by code; what could not be checked by its cause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from replank.audit.catalogue import catalogue
from replank.domain.severity import Severity


class SomeFinding(Protocol):
    """A finding of an audit or of a plan."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def evidence(self) -> tuple[str, ...]: ...
    @property
    def consequence(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def unknown(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Advice:
    """Findings of one code with one consequence and one remedy, so that 40 ports do not fill 4 screens."""

    consequence: str
    remedy: str
    findings: tuple[SomeFinding, ...]


@dataclass(frozen=True, slots=True)
class CodeGroup:
    """Findings of one code that were seen. `title`: of the code's text, "" if it has none."""

    code: str
    title: str
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Checks that could not be made, for one reason."""

    why: str
    codes: tuple[str, ...]
    remedies: tuple[str, ...]
    findings: tuple[SomeFinding, ...]


@dataclass(frozen=True, slots=True)
class SeverityGroup:
    """All findings of one severity. `title`: Blockers, Risks or Notes."""

    severity: Severity
    title: str
    total: int
    codes: tuple[CodeGroup, ...]
    unchecked: tuple[Unchecked, ...]


_TITLES = {Severity.BLOCKER: "Blockers", Severity.RISK: "Risks", Severity.NOTE: "Notes"}


def finding_groups(findings: Iterable[SomeFinding]) -> tuple[SeverityGroup, ...]:
    """Worst first; only severities that occur. Within one, findings keep their order."""
    everything = list(findings)
    groups = []
    for severity in Severity:
        alike = [finding for finding in everything if finding.severity == severity]
        if alike:
            groups.append(
                SeverityGroup(
                    severity=severity,
                    title=_TITLES[severity],
                    total=len(alike),
                    codes=_codes([f for f in alike if not f.unknown]),
                    unchecked=_unchecked([f for f in alike if f.unknown]),
                )
            )
    return tuple(groups)


def _codes(findings: list[SomeFinding]) -> tuple[CodeGroup, ...]:
    texts = catalogue()
    groups = []
    for code in dict.fromkeys(f.code for f in findings):
        alike = [f for f in findings if f.code == code]
        advice = tuple(
            Advice(
                consequence,
                remedy,
                tuple(f for f in alike if (f.consequence, f.remedy) == (consequence, remedy)),
            )
            for consequence, remedy in dict.fromkeys((f.consequence, f.remedy) for f in alike)
        )
        groups.append(CodeGroup(code, texts[code].title if code in texts else "", advice))
    return tuple(groups)


def _unchecked(findings: list[SomeFinding]) -> tuple[Unchecked, ...]:
    causes = dict.fromkeys(f.evidence for f in findings)
    return tuple(_cause(evidence, [f for f in findings if f.evidence == evidence]) for evidence in causes)


def _cause(evidence: tuple[str, ...], alike: list[SomeFinding]) -> Unchecked:
    return Unchecked(
        why="; ".join(evidence) or "no reason was given",
        codes=tuple(dict.fromkeys(f.code for f in alike)),
        remedies=tuple(dict.fromkeys(f.remedy for f in alike if f.remedy)),
        findings=tuple(alike),
    )
