"""Which differences between a plan and the same plan made again forbid to carry the old one out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_plan_file import small_plan

from replank.plan.drift import drift
from replank.plan.model import PlanFinding
from replank.plan.takeover import TakeoverPlan


def finding(severity: str, **changes: object) -> PlanFinding:
    one = PlanFinding(
        code="RP305",
        severity=severity,
        subject="namespace shop",
        evidence=("a budget allows 0 disruptions",),
        consequence="A drain waits for ever.",
        remedy="Raise the replicas.",
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def plan(*findings: PlanFinding) -> TakeoverPlan:
    return replace(small_plan(), findings=findings)


def test_the_same_facts_are_no_drift_whoever_planned_and_whatever_the_snapshot_is_called():
    now = replace(plan(), snapshot_sha256="another", made_by="replank 9")
    assert drift(plan(), now) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((finding("risk"),), ()),
        ((finding("risk"),), (finding("note"),)),
        ((finding("risk"),), (finding("risk", evidence=("two budgets allow 0 disruptions",)),)),
        ((finding("risk", unknown=True),), (finding("risk"),)),
        ((), (finding("note"),)),
    ],
)
def test_findings_that_got_no_worse_do_not_matter(before, after):
    assert drift(plan(*before), plan(*after)) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), (finding("risk"),)),
        ((finding("note"),), (finding("risk"),)),
        ((finding("risk"),), (finding("blocker"),)),
        ((finding("risk"),), (finding("risk"), finding("risk", subject="namespace bank"))),
        ((), (finding("risk", unknown=True, evidence=("403",)),)),
    ],
)
def test_a_new_or_worse_finding_matters_and_is_told_with_its_evidence(before, after):
    (change,) = drift(plan(*before), plan(*after))
    assert change.area == "Findings"
    assert change.subject.startswith("RP305 namespace ")
    assert after[-1].evidence[0] in change.says
    assert ("could not be checked" in change.says) == after[-1].unknown


@pytest.mark.parametrize(
    "changes",
    [
        {"ready": False},
        {"kubernetes_version": "v9.9.9"},
        {"settings": {"rename_servers": True}},
        {"manifests": {}},
        {"namespace": "elsewhere"},
        {"cluster": "another"},
    ],
)
def test_anything_else_that_changed_matters(changes):
    before = plan()
    assert drift(before, replace(before, **changes)) != ()
