"""Negative controls: with gates off the simulation does harm and says so, with gates on it is stopped.

Without these, a clean soak would prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bending import authority_missing, other_region, without_gates, worker_outside, writing_credential
from bending import wrong_port_name as wrong_port_name_alone

from replank.plan.takeover import TakeoverPlan
from replank.testbed.simulation.explore import Outcome, explore
from replank.testbed.simulation.scenario import Scenario


def wrong_port_name(plan: TakeoverPlan) -> TakeoverPlan:
    return writing_credential(wrong_port_name_alone(plan))


CASES = [
    (wrong_port_name, "port "),
    (authority_missing, "Secret one-proxy was made by a controller"),
    (writing_credential, "CAPO has credential"),
]


def run(bend: Callable[[TakeoverPlan], TakeoverPlan], *, gates: bool) -> Outcome:
    registry = None if gates else without_gates()
    return explore(Scenario(seed=5, ending="settled"), bend=bend, registry=registry)


@pytest.mark.parametrize(("bend", "harm"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_without_gates_the_harm_is_seen(bend: Callable[[TakeoverPlan], TakeoverPlan], harm: str) -> None:
    outcome = run(bend, gates=False)
    assert any(what.startswith(harm) for what in outcome.broken), outcome.broken


def test_a_worker_outside_its_machine_set_is_stopped_by_the_step_itself() -> None:
    """The plan's checks are one fence, what the step looks at right before its write is another."""
    outcome = run(worker_outside, gates=False)
    assert outcome.broken == []
    assert "RP868" in outcome.refusals[0]


def test_a_missing_authority_is_stopped_before_a_new_one_is_made() -> None:
    assert run(authority_missing, gates=True).broken == []


@pytest.mark.parametrize(
    "bend",
    [wrong_port_name_alone, worker_outside, writing_credential, other_region],
    ids=lambda bend: bend.__name__,
)
def test_with_gates_it_is_stopped_before_harm_and_undone(
    bend: Callable[[TakeoverPlan], TakeoverPlan],
) -> None:
    outcome = run(bend, gates=True)
    assert outcome.broken == []
    assert outcome.left == []
    assert outcome.status == "refused, then undone", outcome.refusals
