"""Findings in the terminal: worst first, one block a code; what could not be checked grouped by its cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from replank.audit.catalogue import catalogue
from replank.domain.severity import Severity
from replank.plan.model import Plan
from replank.report.terminal.layout import SEVERITY_STYLE, bullets, labelled, say, section
from replank.report.words import count


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


def plan_blockers(plan: Plan) -> Group:
    """The blockers of a plan, at its top."""
    return _of_severity([f for f in plan.findings if f.severity == Severity.BLOCKER], Severity.BLOCKER)


def findings_by_severity(findings: Iterable[SomeFinding], *, blockers: bool = True) -> Group:
    """Sections from worst to least. `blockers`: include them."""
    everything = list(findings)
    return Group(
        *(
            _of_severity([f for f in everything if f.severity == severity], severity)
            for severity in Severity
            if blockers or severity is not Severity.BLOCKER
        )
    )


def _of_severity(findings: list[SomeFinding], severity: Severity) -> Group:
    if not findings:
        return Group()
    seen: dict[str, list[SomeFinding]] = {}
    for finding in findings:
        if not finding.unknown:
            seen.setdefault(finding.code, []).append(finding)
    parts: list[RenderableType] = []
    for code, alike in seen.items():
        parts.append(_code_line(code, severity))
        parts.extend(_same_advice(alike))
    parts.extend(_unchecked([f for f in findings if f.unknown]))
    return section(f"{_TITLES[severity]} ({len(findings)})", *parts)


_TITLES = {Severity.BLOCKER: "Blockers", Severity.RISK: "Risks", Severity.NOTE: "Notes"}


def _code_line(code: str, severity: Severity) -> Text:
    text = catalogue().get(code)
    return Text.assemble((code, SEVERITY_STYLE[severity]), f" {text.title if text else ''}".rstrip())


def _same_advice(findings: list[SomeFinding]) -> list[RenderableType]:
    """Subjects with one consequence and one remedy share them, so that 40 ports do not fill 4 screens."""
    groups: dict[tuple[str, str], list[SomeFinding]] = {}
    for finding in findings:
        groups.setdefault((finding.consequence, finding.remedy), []).append(finding)
    parts: list[RenderableType] = []
    for (consequence, remedy), alike in groups.items():
        subjects = [
            Text.assemble(say(f.subject).plain, (say(f": {'; '.join(f.evidence)}").plain, "dim"))
            for f in alike
        ]
        parts.append(Padding(bullets(subjects), (0, 0, 0, 2)))
        advice = [("then", consequence), ("do", remedy)]
        parts.append(Padding(labelled([(k, v) for k, v in advice if v]), (0, 0, 0, 4)))
    return parts


def _unchecked(findings: list[SomeFinding]) -> list[RenderableType]:
    causes: dict[tuple[str, ...], list[SomeFinding]] = {}
    for finding in findings:
        causes.setdefault(finding.evidence, []).append(finding)
    parts: list[RenderableType] = []
    for evidence, alike in causes.items():
        codes = ", ".join(dict.fromkeys(f.code for f in alike))
        why = "; ".join(evidence) or "no reason was given"
        parts.append(
            bullets(
                [
                    Text.assemble(
                        ("could not be checked ", "bold"),
                        f"({count(len(alike), 'finding')}): {say(codes).plain}, because ",
                        say(why).plain,
                    )
                ],
                mark="?",
            )
        )
        remedies = list(dict.fromkeys(f.remedy for f in alike if f.remedy))
        if len(remedies) == 1:
            parts.append(Padding(labelled([("do", remedies[0])]), (0, 0, 0, 4)))
    return parts
