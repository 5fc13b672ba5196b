"""Short words for tests that look into plans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from planner_cases import CASES, SETTINGS

from replank.inventory.facts.snapshot import Snapshot
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.model import Step
from replank.plan.takeover import GroupDifference, TakeoverPlan

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def plan(snapshot: Snapshot, settings: TakeoverSettings = SETTINGS) -> TakeoverPlan:
    return plan_takeover(snapshot, settings, ())


def steps(of: TakeoverPlan) -> Iterator[Step]:
    for stage in of.stages:
        yield from stage.steps


def codes(of: TakeoverPlan) -> set[str]:
    return {finding.code for finding in of.findings}


def differences(of: TakeoverPlan, group: str) -> tuple[GroupDifference, ...]:
    return next(g.differences for g in of.groups if g.name == group)


def spec_of(of: TakeoverPlan, key: str) -> Any:
    return of.manifests[key]["spec"]
