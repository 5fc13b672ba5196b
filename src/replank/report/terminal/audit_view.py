"""An audit in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.report.terminal.findings import findings_by_severity
from replank.report.terminal.layout import SEVERITY_STYLE, say
from replank.report.words import count


def audit_view(cluster: str, findings: Sequence[Finding]) -> RenderableType:
    """All findings of one cluster, worst first, with evidence, consequence and remedy."""
    head = Text.assemble((say(cluster).plain, "bold"), ": ")
    if not findings:
        return Group(head.append("no finding"), Text(""))
    numbers = [(severity, sum(1 for f in findings if f.severity == severity)) for severity in Severity]
    for index, (severity, number) in enumerate((s, n) for s, n in numbers if n):
        head.append(", " if index else "").append(count(number, severity.value), SEVERITY_STYLE[severity])
    if unknown := sum(1 for f in findings if f.unknown):
        head.append(f"; {unknown} of them could not be checked, and count as if found")
    more = say("The long text of a code and its source: replank explain CODE", "dim")
    return Group(head, findings_by_severity(findings), Text(""), more, Text(""))
