"""One pod more for a Deployment that has one, where its owner allows it."""

from __future__ import annotations

from typing import Any

import pytest
from guard_sights import (
    AT,
    budget,
    deployment,
    draining,
    gone_from,
    nodes,
    pod,
    policy,
    sight,
    worker,
    workload,
)

from replank.guards.decide.round import decide
from replank.guards.decision import Release, Scale
from replank.guards.sight import NodeSight, PodSight, Sight

KEPT = "Deployment/kept"


def kept(name: str, node: str, **more: Any) -> PodSight:
    return pod(name, node, KEPT, **more)


def scales(seen: Sight, **spec: Any) -> list[tuple[int, int | None]]:
    actions = decide(seen, policy(**spec)).actions
    return [(action.replicas, action.surged_from) for action in actions if isinstance(action, Scale)]


def released(seen: Sight, **spec: Any) -> list[str]:
    actions = decide(seen, policy(**spec)).actions
    return [action.machine for action in actions if isinstance(action, Release)]


def moving(*pods: PodSight, **more: Any) -> Sight:
    """worker-0 waits for its drain, with its taint on."""
    more.setdefault("nodes", nodes(gone_from("worker-0")))
    more.setdefault("deployments", (deployment(),))
    return sight(draining(worker(0)), workload=workload(pods=pods, **more))


def test_it_gets_a_second_pod_before_the_first_may_go() -> None:
    seen = moving(kept("kept-1", "worker-0"))
    assert scales(seen) == [(2, 1)]
    assert released(seen) == []
    assert decide(seen, policy()).words[0].reasons[0].code == "RP727"


def test_it_is_scaled_only_once_the_taint_keeps_the_second_pod_away() -> None:
    seen = moving(kept("kept-1", "worker-0"), nodes=nodes())
    assert scales(seen) == []
    assert released(seen) == []


def test_it_is_scaled_once() -> None:
    seen = moving(
        kept("kept-1", "worker-0"),
        kept("kept-2", "worker-1", ready=False),
        deployments=(deployment(replicas=2, surged_from=1),),
    )
    assert scales(seen) == []
    assert released(seen) == []


def test_once_the_second_is_ready_on_a_node_that_stays_the_first_may_go() -> None:
    seen = moving(
        kept("kept-1", "worker-0"),
        kept("kept-2", "worker-1"),
        deployments=(deployment(replicas=2, surged_from=1),),
    )
    assert released(seen) == ["worker-0"]
    assert scales(seen) == []


def test_a_second_pod_on_the_same_node_does_not_count() -> None:
    seen = moving(
        kept("kept-1", "worker-0"),
        kept("kept-2", "worker-0"),
        deployments=(deployment(replicas=2, surged_from=1),),
    )
    assert released(seen) == []


def test_a_budget_of_its_one_pod_does_not_hold_it_before_the_surge() -> None:
    """With two pods it will allow one to go."""
    seen = moving(
        kept("kept-1", "worker-0", budgets=("apps/kept",)), budgets={"apps/kept": budget("kept", 0, True)}
    )
    assert [reason.code for reason in decide(seen, policy()).words[0].reasons] == ["RP727"]


def test_afterwards_it_is_scaled_back() -> None:
    seen = sight(
        workload=workload(
            pods=(kept("kept-2", "worker-1"), kept("kept-3", "worker-0")),
            deployments=(deployment(replicas=2, surged_from=1),),
        )
    )
    assert scales(seen) == [(1, None)]


def test_it_is_not_scaled_back_while_a_pod_stands_where_pods_leave() -> None:
    seen = moving(
        kept("kept-1", "worker-0"),
        kept("kept-2", "worker-1"),
        deployments=(deployment(replicas=2, surged_from=1),),
    )
    assert scales(seen) == []


def test_it_is_not_scaled_back_to_no_ready_pod() -> None:
    seen = sight(
        workload=workload(
            pods=(kept("kept-2", "worker-1", ready=False),),
            deployments=(deployment(replicas=2, surged_from=1),),
        )
    )
    assert scales(seen) == []


def test_what_its_owner_chose_meanwhile_stays() -> None:
    seen = sight(
        workload=workload(
            pods=(kept("kept-2", "worker-1"),), deployments=(deployment(replicas=5, surged_from=1),)
        )
    )
    assert scales(seen) == [(5, None)]


def test_one_scaled_to_nothing_meanwhile_is_forgotten() -> None:
    seen = sight(workload=workload(deployments=(deployment(replicas=0, surged_from=1),)))
    assert scales(seen) == [(0, None)]


def test_one_whose_old_number_was_written_over_it_is_scaled_again() -> None:
    seen = moving(kept("kept-1", "worker-0"), deployments=(deployment(replicas=1, surged_from=1),))
    assert scales(seen) == [(2, 1)]
    assert released(seen) == []


@pytest.mark.parametrize(
    "found",
    [
        (deployment(allowed=False),),
        (deployment(replicas=2),),
        (),
        (deployment("another"),),
        (deployment(replicas=1, surged_from=1, allowed=False),),
    ],
    ids=["not allowed", "two replicas", "none", "another", "no longer allowed"],
)
def test_whoever_has_not_allowed_it_is_not_scaled_and_not_waited_for(found: Any) -> None:
    seen = moving(kept("kept-1", "worker-0"), deployments=found)
    assert scales(seen) == []
    assert released(seen) == ["worker-0"]


def test_a_team_may_want_none_of_it() -> None:
    seen = moving(kept("kept-1", "worker-0"))
    assert scales(seen, drain={"surge": "never"}) == []
    assert released(seen, drain={"surge": "never"}) == ["worker-0"]


def both_going(**more: Any) -> Sight:
    return sight(
        draining(worker(0)),
        draining(worker(1, **more)),
        workload=workload(
            nodes=nodes(gone_from("worker-0"), gone_from("worker-1"), NodeSight(name="worker-2")),
            pods=(kept("kept-1", "worker-0"), kept("kept-2", "worker-1")),
            deployments=(deployment(replicas=2, surged_from=1),),
        ),
    )


def test_of_two_nodes_that_wait_for_each_other_the_first_goes_first() -> None:
    assert released(both_going()) == ["worker-0"]


def test_a_pod_on_a_node_that_is_being_drained_keeps_nothing_up() -> None:
    assert released(both_going(hooks=frozenset())) == []


def test_a_pod_on_an_outdated_node_keeps_up_the_one_that_goes_now() -> None:
    """Under `machine` outdated nodes take pods until their turn comes."""
    seen = sight(
        draining(worker(0, outdated=True)),
        worker(1, outdated=True),
        at=AT,
        workload=workload(
            nodes=nodes(gone_from("worker-0")),
            pods=(kept("kept-1", "worker-0"), kept("kept-2", "worker-1")),
            deployments=(deployment(replicas=2, surged_from=1),),
        ),
    )
    assert released(seen, drain={"taint": "machine"}) == ["worker-0"]


def test_a_node_that_stays_counts_whatever_its_name() -> None:
    seen = sight(
        draining(worker(1)),
        workload=workload(
            nodes=nodes(gone_from("worker-1")),
            pods=(kept("kept-1", "worker-1"), kept("kept-2", "worker-0")),
            deployments=(deployment(replicas=2, surged_from=1),),
        ),
    )
    assert released(seen) == ["worker-1"]


@pytest.mark.parametrize(
    "other", [pod("web-1", "worker-1"), pod("kept-9", "worker-1", KEPT, namespace="other")]
)
def test_pods_of_others_keep_nothing_up(other: PodSight) -> None:
    seen = moving(kept("kept-1", "worker-0"), other)
    assert scales(seen) == [(2, 1)]
    assert released(seen) == []


def test_a_pod_on_a_node_that_stays_is_left_alone() -> None:
    assert scales(moving(kept("kept-1", "worker-1"))) == []


def test_one_that_has_moved_already_is_left_alone() -> None:
    assert scales(moving(kept("kept-1", "worker-0", ready=False), kept("kept-2", "worker-1"))) == []


def test_a_pod_that_waits_for_a_node_is_not_on_one_that_goes() -> None:
    seen = sight(
        draining(worker(0, node="")),
        workload=workload(
            pods=(kept("kept-2", "worker-1"), kept("kept-3", "", ready=False)),
            deployments=(deployment(replicas=2, surged_from=1),),
        ),
    )
    assert scales(seen) == [(1, None)]
