"""Every code of the planner's own findings, by its two fact files."""

from __future__ import annotations

from pathlib import Path

import pytest

from facts_loader import FACTS, case
from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover import notes
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.model import PlanFinding

CODES = (
    notes.INCOMPLETE,
    notes.BAD_NAME,
    notes.NOT_CARRIED_OVER,
    notes.SETTING_IMPOSSIBLE,
    notes.PARTLY_SEEN,
)


def findings(path: Path) -> tuple[PlanFinding, ...]:
    about = case(path)
    snapshot: Snapshot = about.snapshot()
    settings = TakeoverSettings(namespace="plain", load_balancer=about.settings.load_balancer)
    return plan_takeover(snapshot, settings, ()).findings


@pytest.mark.parametrize("code", CODES)
def test_what_the_planner_meets_is_told_under_its_code_and_subject(code: str) -> None:
    path = FACTS / code / "triggers.yaml"
    (wanted,) = case(path).expect
    told = [(f.code, f.subject) for f in findings(path)]
    assert (wanted.code, wanted.subject) in told


@pytest.mark.parametrize("code", CODES)
def test_a_near_miss_is_not_told(code: str) -> None:
    path = FACTS / code / "quiet.yaml"
    assert case(path).expect == ()
    assert [f for f in findings(path) if f.code == code] == []
