"""Whole takeovers and undos by the real steps and the real engine, through seeded faults and meddlers."""

from __future__ import annotations

import pytest

from replank.testbed.simulation.explore import explore
from replank.testbed.simulation.scenario import Ending, Scenario, drawn

SEEDS = 160
CHUNK = 20


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_does_harm_or_stays_stuck(first: int) -> None:
    """`SEED=n python -m replank.testbed.soak` tells what happened in one."""
    wrong = {}
    for seed in range(first, first + CHUNK):
        if found := explore(drawn(seed)).wrong:
            wrong[seed] = found
    print(f"seeds {first} to {first + CHUNK - 1}")
    assert wrong == {}


def test_the_same_seed_tells_the_same_story() -> None:
    seed = 7
    assert explore(drawn(seed)).trace == explore(drawn(seed)).trace


@pytest.mark.parametrize("shape", ["1+1", "3+2"])
@pytest.mark.parametrize("ending", ["settled", "undone", "settled-undone", "again"])
def test_without_faults_it_ends_as_it_should(shape: str, ending: Ending) -> None:
    outcome = explore(Scenario(seed=1, shape=shape, ending=ending))
    assert outcome.wrong == []
    assert outcome.near == []
    assert outcome.refusals == []
