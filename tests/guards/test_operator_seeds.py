"""Lives of a cluster under the real rounds, through seeded faults, deaths, takeovers and troubles."""

from __future__ import annotations

import pytest

from replank.testbed.guarding.explore import explore
from replank.testbed.guarding.scenario import GuardScenario, Happening, drawn

SEEDS = 36
CHUNK = 6


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_lets_anything_go_too_early_or_stays_stuck(first: int) -> None:
    """`SEED=n python -m replank.testbed.soak --of operator` tells what happened in one."""
    wrong = {}
    for seed in range(first, first + CHUNK):
        if found := explore(drawn(seed)).wrong:
            wrong[seed] = found
    print(f"seeds {first} to {first + CHUNK - 1}")
    assert wrong == {}


def test_the_same_seed_tells_the_same_story() -> None:
    assert explore(drawn(7)).trace == explore(drawn(7)).trace


@pytest.mark.parametrize(
    "what", ["control-planes-roll", "workers-roll", "worker-less", "workers-deleted", "control-plane-deleted"]
)
def test_without_faults_every_change_comes_to_its_end(what: Happening) -> None:
    scenario = GuardScenario(seed=1, happenings=((10.0, what),), floating_ips=True, cured_after=20.0)
    outcome = explore(scenario)
    assert outcome.wrong == []
    assert outcome.took_s < 900


def test_a_stopped_replica_that_wakes_up_does_no_harm() -> None:
    for seed in range(4):
        scenario = GuardScenario(
            seed=seed,
            happenings=((10.0, "control-planes-roll"), (15.0, "workers-roll")),
            handovers=(20.0, 60.0, 100.0, 140.0, 180.0),
            stalls=True,
            floating_ips=True,
            cured_after=20.0,
        )
        assert explore(scenario).wrong == []
