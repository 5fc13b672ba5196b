"""Findings in the terminal: worst first, one block a code; what could not be checked stands by its cause."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from replank.domain.severity import Severity
from replank.plan.model import Plan
from replank.report.finding_groups import Advice, SeverityGroup, SomeFinding, Unchecked, finding_groups
from replank.report.terminal.layout import SEVERITY_STYLE, bullets, labelled, say, section
from replank.report.words import count


def plan_blockers(plan: Plan) -> Group:
    """The blockers of a plan, at its top."""
    return findings_by_severity([f for f in plan.findings if f.severity == Severity.BLOCKER])


def findings_by_severity(findings: Iterable[SomeFinding], *, blockers: bool = True) -> Group:
    """Sections from worst to least. `blockers`: include them."""
    return Group(
        *(
            _severity(group)
            for group in finding_groups(findings)
            if blockers or group.severity is not Severity.BLOCKER
        )
    )


def _severity(group: SeverityGroup) -> Group:
    parts: list[RenderableType] = []
    for code in group.codes:
        parts.append(
            Text.assemble((say(code.code).plain, SEVERITY_STYLE[group.severity]), f" {code.title}".rstrip())
        )
        for advice in code.advice:
            parts.extend(_advice(advice))
    for unchecked in group.unchecked:
        parts.extend(_unchecked(unchecked))
    return section(f"{group.title} ({group.total})", *parts)


def _advice(advice: Advice) -> list[RenderableType]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for finding in advice.findings:
        alike.setdefault(finding.evidence, []).append(finding.subject)
    subjects = [
        Text.assemble(say(", ".join(names)).plain, (say(f": {'; '.join(evidence)}").plain, "dim"))
        for evidence, names in alike.items()
    ]
    rows = [(label, text) for label, text in (("then", advice.consequence), ("do", advice.remedy)) if text]
    return [Padding(bullets(subjects), (0, 0, 0, 2)), Padding(labelled(rows), (0, 0, 0, 4))]


def _unchecked(unchecked: Unchecked) -> list[RenderableType]:
    line = Text.assemble(
        ("could not be checked ", "bold"),
        f"({count(len(unchecked.findings), 'finding')}): {say(', '.join(unchecked.codes)).plain}, because: ",
        say(unchecked.why).plain,
    )
    parts: list[RenderableType] = [bullets([line], mark="?")]
    if len(unchecked.remedies) == 1:
        parts.append(Padding(labelled([("do", unchecked.remedies[0])]), (0, 0, 0, 4)))
    return parts
