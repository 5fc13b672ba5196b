"""Golden plans as files: given facts, expected plan."""

from __future__ import annotations

import pytest
from planner_cases import CASES, PLANS, Case, golden

from replank.plan import codec
from replank.plan.compare import compare


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_is_the_golden_one(case: Case) -> None:
    """Where a change is meant: `python tests/takeover/planner_cases.py`, then read the difference."""
    path = PLANS / f"{case.name}.yaml"
    expected = codec.load(path.read_bytes(), where=path.name)
    planned = golden(case.plan())
    assert [str(change) for change in compare(expected, planned)] == []
    assert planned == expected


def test_every_golden_file_has_its_case() -> None:
    assert {path.stem for path in PLANS.glob("*.yaml")} == {case.name for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_loads_again_exactly(case: Case) -> None:
    plan = case.plan()
    assert codec.load(codec.dump(plan).encode(), where="plan") == plan
