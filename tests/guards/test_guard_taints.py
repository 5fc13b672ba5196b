"""Which nodes are about to go, and which carry the taint."""

from __future__ import annotations

from typing import Any

import pytest
from guard_sights import (
    AT,
    control_plane,
    draining,
    ending,
    gone_from,
    nodes,
    policy,
    sight,
    worker,
    workload,
)

from replank.domain.unknown import Unknown
from replank.guards.decide.going import Leaving, going, leaving
from replank.guards.decide.round import decide
from replank.guards.decision import Taint
from replank.guards.sight import NodeSight, Sight


def taints(seen: Sight, **drain: Any) -> list[Taint]:
    actions = decide(seen, policy(drain=drain)).actions
    return [action for action in actions if isinstance(action, Taint)]


def test_a_cluster_at_rest_has_nobody_going() -> None:
    assert going(sight()) == ()
    assert taints(sight()) == []


def test_deleted_chosen_and_outdated_machines_are_going() -> None:
    seen = sight(draining(worker(0)), worker(1, chosen=True), control_plane(1, outdated=True))
    assert [machine.name for machine in going(seen)] == ["cp-1", "worker-0", "worker-1"]


def test_an_outdated_machine_stays_where_its_keeper_replaces_nothing() -> None:
    assert going(sight(control_plane(1, outdated=True), rolling=frozenset())) == ()
    assert going(sight(worker(1, outdated=True), rolling=frozenset({"KubeadmControlPlane/cp"}))) == ()


def test_a_machine_set_of_its_own_replaces_nothing() -> None:
    assert going(sight(worker(1, outdated=True, deployment=""))) == ()


def test_the_whole_set_is_closed_once_a_node_that_stays_is_open() -> None:
    old = (worker(0, outdated=True), worker(1, outdated=True))
    new = nodes(NodeSight(name="worker-2"))
    assert taints(sight(*old, worker(2), workload=workload(nodes=new))) == [
        Taint("worker-0", True),
        Taint("worker-1", True),
    ]


@pytest.mark.parametrize("there", [{}, {"worker-2": NodeSight(name="worker-2", open=False)}])
def test_before_a_node_that_stays_takes_pods_the_set_is_left_open(there: dict[str, NodeSight]) -> None:
    old = (worker(0, outdated=True), worker(1, outdated=True))
    assert taints(sight(*old, workload=workload(nodes=nodes() | there))) == []


def test_a_deleted_machines_node_is_closed_whatever_stays() -> None:
    seen = sight(draining(worker(0)), worker(1, outdated=True))
    assert taints(seen) == [Taint("worker-0", True)]


def test_only_the_deleted_machines_own_node_where_the_team_wants_that() -> None:
    seen = sight(draining(worker(0)), worker(1, outdated=True), worker(2))
    seen = sight(*seen.machines, workload=workload(nodes=nodes(NodeSight(name="worker-2"))))
    assert taints(seen, taint="machine") == [Taint("worker-0", True)]
    assert taints(seen, taint="none", surge="never") == []


def test_a_node_that_stays_after_all_loses_the_taint() -> None:
    seen = sight(workload=workload(nodes=nodes(gone_from("worker-1"), gone_from("cp-0"))))
    assert taints(seen) == [Taint("cp-0", False), Taint("worker-1", False)]


def test_a_taint_that_is_there_is_not_set_again() -> None:
    assert taints(sight(draining(worker(0)), workload=workload(nodes=nodes(gone_from("worker-0"))))) == []


def test_whoever_wants_no_taint_any_more_gets_rid_of_it() -> None:
    seen = sight(draining(worker(0)), workload=workload(nodes=nodes(gone_from("worker-0"))))
    assert taints(seen, taint="none", surge="never") == [Taint("worker-0", False)]


def test_a_machine_that_is_drained_keeps_its_taint() -> None:
    assert taints(sight(ending(worker(0)), workload=workload(nodes=nodes(gone_from("worker-0"))))) == []


def test_what_could_not_be_seen_is_not_tainted() -> None:
    assert taints(sight(draining(worker(0)), workload=Unknown("it does not answer"))) == []


def test_the_nodes_of_a_cluster_that_ends_are_left_alone() -> None:
    assert taints(sight(draining(worker(0)), deleting=True)) == []


def test_pods_leave_what_is_tainted_or_deleted() -> None:
    seen = sight(draining(worker(0)), ending(control_plane(0)), worker(1, outdated=True))
    assert leaving(seen, policy()) == Leaving(
        closed=frozenset({"worker-0", "worker-1", "cp-0"}),
        held=frozenset({"worker-0"}),
        drained=frozenset({"cp-0"}),
    )
    assert leaving(seen, policy(drain={"taint": "machine"})).closed == {"worker-0", "cp-0"}


def test_a_control_planes_pods_find_room_on_another_one() -> None:
    """Their tolerations say so: the set is closed although no worker is open."""
    none_open = nodes(NodeSight(name="worker-0", open=False), NodeSight(name="worker-1", open=False))
    seen = sight(control_plane(0, outdated=True), at=AT, workload=workload(nodes=none_open))
    assert taints(seen) == [Taint("cp-0", True)]
