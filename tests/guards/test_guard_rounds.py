"""A round as a whole: order, hooks, paused Clusters, deadlines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guard_sights import (
    AT,
    cloud,
    control_plane,
    draining,
    ending,
    member,
    nodes,
    policy,
    sight,
    worker,
    workload,
)

from replank.guards.decide.round import decide
from replank.guards.decide.waiting import release, word
from replank.guards.decision import AddHooks, Decision, Reason, Release
from replank.guards.names import PRE_DRAIN, PRE_TERMINATE
from replank.guards.sight import FloatingIpSight

WHY = Reason(code="RP721", word="WorkloadUnknown", text="why")
FATAL = replace(WHY, fatal=True)


def test_a_paused_cluster_is_nobodys() -> None:
    floating = FloatingIpSight(id="f", address="203.0.113.7", server="server-cp-0")
    seen = sight(
        ending(control_plane(0)),
        draining(worker(0)),
        worker(1, hooks=frozenset()),
        paused=True,
        cloud=cloud(member(0), floating_ips=(floating,)),
    )
    assert decide(seen, policy()) == Decision()
    assert decide(replace(seen, paused=False), policy()).actions != ()


def test_releases_come_last() -> None:
    seen = sight(
        draining(worker(0)),
        ending(worker(1)),
        control_plane(1, hooks=frozenset()),
        workload=workload(nodes=nodes()),
    )
    kinds = [isinstance(action, Release) for action in decide(seen, policy()).actions]
    assert kinds == sorted(kinds)
    assert any(kinds)


def test_machines_without_hooks_get_those_that_are_missing() -> None:
    seen = sight(
        control_plane(0, hooks=frozenset(), resource_version="41"),
        worker(0, hooks=frozenset({PRE_DRAIN}), resource_version="42"),
    )
    assert decide(seen, policy()).actions == (
        AddHooks("cp-0", (PRE_DRAIN, PRE_TERMINATE), "41"),
        AddHooks("worker-0", (PRE_TERMINATE,), "42"),
    )


def test_only_adopted_machines_keep_hooks_where_the_team_wants_that() -> None:
    assert decide(sight(worker(0, hooks=frozenset())), policy(hooks="adopted")).actions == ()


def test_a_machine_that_is_deleted_gets_no_hooks() -> None:
    actions = decide(sight(draining(worker(0, hooks=frozenset()))), policy()).actions
    assert not any(isinstance(action, AddHooks) for action in actions)


def test_machines_of_a_cluster_that_ends_get_no_hooks() -> None:
    assert decide(sight(worker(0, hooks=frozenset()), deleting=True), policy()).actions == ()


@pytest.mark.parametrize(
    ("reasons", "waited", "on_deadline", "state"),
    [
        ((), 0, "wait", "released"),
        ((), 1000, "let-go", "released"),
        ((WHY,), 99, "let-go", "waiting"),
        ((WHY,), 100, "let-go", "forced"),
        ((WHY,), 100, "wait", "overdue"),
        ((WHY,), 100, "warn", "overdue"),
        ((FATAL,), 100, "let-go", "overdue"),
        ((WHY, FATAL), 100, "let-go", "overdue"),
        ((FATAL,), 99, "let-go", "waiting"),
    ],
)
def test_reasons_time_and_policy_make_the_word(reasons, waited, on_deadline, state) -> None:  # type: ignore[no-untyped-def]
    said = word(
        draining(worker(0), AT - waited), PRE_DRAIN, reasons, at=AT, deadline_s=100, on_deadline=on_deadline
    )
    assert said.state == state
    let_go = (Release("worker-0", "uid-worker-0", PRE_DRAIN),)
    assert release(said) == (let_go if state in ("released", "forced") else ())
    assert said.warn is (state == "forced" or (state == "overdue" and on_deadline != "wait"))
