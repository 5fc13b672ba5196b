"""kill -9 of the operator before and after each of its writes: it costs time, and nothing else."""

from __future__ import annotations

from functools import cache

import pytest

from replank.testbed.guarding.explore import GuardOutcome, explore
from replank.testbed.guarding.scenario import GuardScenario, Happening
from replank.testbed.simulation.faults import READS, Fault

CHUNKS = 4
CHANGES: tuple[Happening, ...] = ("worker-deleted", "control-plane-deleted")


def run(what: Happening, faults: dict[int, Fault]) -> GuardOutcome:
    """The drain waits longer than a termination may: a time that is taken for the other's shows."""
    scenario = GuardScenario(
        seed=4,
        happenings=((5.0, what),),
        faults=faults,
        floating_ips=True,
        bare=True,
        waits_for_volumes=False,
        cured_after=90.0,
        version="1.13",
        terminate={"deadlineSeconds": 60},
    )
    return explore(scenario)


@cache
def writes(what: Happening) -> tuple[int, ...]:
    """Numbers of the calls that change something in the undisturbed run."""
    outcome = run(what, {})
    assert outcome.wrong == []
    return tuple(
        number
        for number, name in enumerate(outcome.points)
        if name.partition("(")[0].partition(".")[2] not in READS
    )


def test_there_are_writes_of_every_kind() -> None:
    names = {run(what, {}).points[n].partition("(")[0] for what in CHANGES for n in writes(what)}
    assert names == {
        "management.apply_status",
        "management.create",
        "management.json_patch",
        "management.merge",
        "workload.merge",
        "cloud.add_member",
        "cloud.remove_member",
        "cloud.disassociate_floating_ip",
    }


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("what", CHANGES)
def test_a_death_at_any_write_changes_nothing_but_time(what: Happening, chunk: int) -> None:
    wrong = {}
    faults: tuple[Fault, ...] = ("death-before", "death-after")
    for point in writes(what)[chunk::CHUNKS]:
        for fault in faults:
            outcome = run(what, {point: fault})
            assert outcome.deaths == 1
            if outcome.wrong:
                wrong[point, fault] = outcome.wrong
    assert wrong == {}
