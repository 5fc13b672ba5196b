"""Which differences between a plan and the same plan made again now forbid to carry the old one out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from replank.domain.severity import Severity
from replank.plan.codec import AnyPlan
from replank.plan.compare import Change, compare
from replank.plan.model import PlanFinding
from replank.plan.takeover import TakeoverPlan


def drift(plan: AnyPlan, now: AnyPlan) -> tuple[Change, ...]:
    """Differences that matter from `plan`, as it was reviewed, to `now`, made from what is there now.

    Left out: the snapshot's hash (it covers much that no step touches), the version that planned, and
    findings that went away, got milder, are told with other evidence, or are mere notes; and where blocks
    stand in the configuration, which is the operator's to change: the state says whether they did.
    """
    alike = replace(
        _placeless(now), snapshot_sha256=plan.snapshot_sha256, made_by=plan.made_by, findings=plan.findings
    )
    return (*compare(_placeless(plan), alike), *_worse_findings(plan.findings, now.findings))


def _placeless(plan: AnyPlan) -> AnyPlan:
    if not isinstance(plan, TakeoverPlan):
        return replace(plan, ship_first=())  # told by findings, too, of which only worse ones matter
    forget = tuple(replace(f, block="", keep_block="") for f in plan.forget)
    return replace(plan, forget=forget, letting_go=())


def _worse_findings(before: tuple[PlanFinding, ...], after: tuple[PlanFinding, ...]) -> Iterator[Change]:
    ranks = {severity.value: severity.rank for severity in Severity}
    accepted: dict[tuple[str, str], int] = {}
    for finding in before:
        key = (finding.code, finding.subject)
        accepted[key] = min(ranks[finding.severity], accepted.get(key, len(ranks)))
    for finding in after:
        if finding.severity == Severity.NOTE:
            continue
        if ranks[finding.severity] < accepted.get((finding.code, finding.subject), len(ranks)):
            unseen = ", could not be checked" if finding.unknown else ""
            evidence = "; ".join(finding.evidence)
            yield Change(
                "Findings",
                f"{finding.code} {finding.subject}",
                f"{finding.severity}{unseen}: {evidence or finding.consequence}",
            )
