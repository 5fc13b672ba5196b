"""The stored snapshots are what a survey of the twin would see today."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from replank.testbed.fleet.generate import generate
from replank.testbed.simulation.shapes import SHAPES, live_readers, planned, surveyed


@pytest.mark.parametrize("name", list(SHAPES))
def test_a_survey_gives_the_same_plan(name: str) -> None:
    """Else: `python -m replank.testbed.simulation.shapes`. The world is of today: its certificates must be
    valid, so the snapshots themselves differ in dates.
    """
    shape = SHAPES[name]
    fresh = planned(surveyed(generate(1, [shape.spec], datetime.now(UTC)), live_readers))
    assert replace(fresh, snapshot_sha256="") == replace(shape.plan(), snapshot_sha256="")
