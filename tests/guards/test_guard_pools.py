"""The members of a pool are the Machines that serve and stay, and never none."""

from __future__ import annotations

from typing import Any

import pytest
from guard_sights import (
    POOL,
    cloud,
    control_plane,
    draining,
    ending,
    member,
    policy,
    sight,
    worker,
)

from replank.domain.unknown import Unknown
from replank.guards.decide.pools import keep
from replank.guards.decide.round import decide
from replank.guards.decision import AddMember, Release, RemoveMember
from replank.guards.sight import Sight

WORKERS = [{"id": POOL, "port": 30443, "machines": "workers"}]


def added(seen: Sight, **spec: Any) -> list[AddMember]:
    return [action for action in keep(seen, policy(**spec)).actions if isinstance(action, AddMember)]


def removed(seen: Sight, **spec: Any) -> list[str]:
    return [a.address for a in keep(seen, policy(**spec)).actions if isinstance(a, RemoveMember)]


def notes(seen: Sight, **spec: Any) -> list[str]:
    return [note.code for note in keep(seen, policy(**spec)).notes]


def holds(seen: Sight, machine: str = "cp-0", **spec: Any) -> list[str]:
    return [reason.code for reason in keep(seen, policy(**spec)).holds.get(machine, [])]


def test_a_pool_that_is_as_it_should_be_is_left_alone() -> None:
    kept = keep(sight(), policy())
    assert (kept.actions, kept.notes, kept.holds) == ([], [], {})


def test_a_new_control_plane_comes_in_once_its_api_server_answers() -> None:
    new = {"addresses": ("10.0.0.13",), "name": "cp-3"}
    assert added(sight(control_plane(3, serving=False, **new))) == []
    assert added(sight(control_plane(3, **new))) == [AddMember(POOL, "cp-3", "10.0.0.13", 6443, "subnet")]


def test_one_that_is_deleted_does_not_come_in() -> None:
    assert added(sight(draining(control_plane(0)), cloud=cloud(member(1), member(2)))) == []


def test_one_that_stops_serving_for_a_moment_stays_in() -> None:
    seen = sight(control_plane(0, serving=False))
    assert removed(seen) == []


def test_one_that_waits_for_its_termination_is_taken_out_and_held_for_a_round() -> None:
    seen = sight(ending(control_plane(0)))
    assert removed(seen) == ["10.0.0.10"]
    assert holds(seen) == ["RP712"]
    assert not any(isinstance(action, Release) for action in decide(seen, policy()).actions)


def test_one_that_is_still_drained_stays_in() -> None:
    assert removed(sight(draining(control_plane(0)))) == []


def test_one_that_nobody_holds_is_taken_out_as_soon_as_it_is_deleted() -> None:
    assert removed(sight(draining(control_plane(0, hooks=frozenset())))) == ["10.0.0.10"]


def test_one_that_is_out_is_held_by_no_pool() -> None:
    assert holds(sight(ending(control_plane(0)), cloud=cloud(member(1), member(2)))) == []


@pytest.mark.parametrize("others", ["ERROR", "OFFLINE", "DRAINING"])
def test_the_last_that_lives_stays_and_is_held_for_ever(others: str) -> None:
    seen = sight(
        ending(control_plane(0), since=0), cloud=cloud(member(0), member(1, others), member(2, others))
    )
    assert removed(seen) == []
    assert notes(seen) == ["RP711"]
    assert holds(seen) == ["RP711"]
    assert decide(seen, policy()).words[0].state == "overdue"


def test_a_member_lives_only_with_a_machine_that_serves() -> None:
    """Octavia's monitor may be slow to see it."""
    seen = sight(ending(control_plane(0)), control_plane(1, serving=False), control_plane(2, serving=False))
    assert removed(seen) == []


def test_a_pool_without_a_monitor_counts_those_that_serve() -> None:
    states = cloud(*(member(number, "NO_MONITOR") for number in range(3)))
    assert removed(sight(ending(control_plane(0)), cloud=states)) == ["10.0.0.10"]


def test_several_go_together_while_one_lives() -> None:
    seen = sight(ending(control_plane(0)), ending(control_plane(1)))
    assert removed(seen) == ["10.0.0.10", "10.0.0.11"]


def test_those_that_go_do_not_keep_each_other_up() -> None:
    seen = sight(ending(control_plane(0)), ending(control_plane(1)), ending(control_plane(2)))
    assert removed(seen) == []
    assert holds(seen, "cp-2") == ["RP711"]


def test_a_pool_that_could_not_be_seen_holds_its_machines_and_no_others() -> None:
    seen = sight(ending(control_plane(0)), cloud=cloud(pools={POOL: Unknown("503")}))
    assert holds(seen) == ["RP710"]
    assert holds(seen, "worker-0") == []
    assert notes(seen) == ["RP710"]


@pytest.mark.parametrize("seen_cloud", [Unknown("no login"), cloud(pools={})])
def test_a_cloud_that_could_not_be_seen_holds_too(seen_cloud: Any) -> None:
    assert holds(sight(ending(control_plane(0)), cloud=seen_cloud)) == ["RP710"]


def test_a_member_of_ours_without_a_machine_is_taken_out() -> None:
    left = member(7, ours=True, id="left")
    assert removed(sight(cloud=cloud(member(0), member(1), member(2), left))) == ["10.0.0.17"]


def test_members_of_ours_stay_while_machines_have_lost_their_status() -> None:
    """`clusterctl move` carries providerIDs over, and no status."""
    lost = [control_plane(number, addresses=()) for number in (1, 2)]
    ours = [member(number, ours=True) for number in range(3)]
    assert removed(sight(*lost, cloud=cloud(*ours))) == []


def test_a_dead_member_of_nobody_is_taken_out() -> None:
    stray = member(7, "ERROR")
    assert removed(sight(cloud=cloud(member(0), member(1), member(2), stray))) == ["10.0.0.17"]


@pytest.mark.parametrize(
    ("stray", "more"),
    [
        (member(7, "ONLINE"), {}),
        (member(7, "ERROR"), {"addresses": frozenset({"10.0.0.17"})}),
        (member(7, "ERROR"), {"addresses": Unknown("403")}),
    ],
    ids=["it answers", "a port has its address", "ports unseen"],
)
def test_a_member_of_somebody_else_stays_and_is_told(stray: Any, more: dict[str, Any]) -> None:
    seen = sight(cloud=cloud(member(0), member(1), member(2), stray, **more))
    assert removed(seen) == []
    assert notes(seen) == ["RP719"]


def test_members_of_other_ports_are_nobodys_business() -> None:
    other = member(7, "ERROR", port=22623)
    kept = keep(sight(cloud=cloud(member(0), member(1), member(2), other)), policy())
    assert (kept.actions, kept.notes) == ([], [])


def test_an_address_given_out_again_is_the_new_machines() -> None:
    old = ending(control_plane(0, name="zz-old"))
    assert removed(sight(control_plane(0), old)) == []
    assert added(sight(control_plane(0), old, cloud=cloud(member(1), member(2))))[0].machine == "cp-0"


def test_workers_have_pools_too() -> None:
    ours = [member(number, address=f"10.0.0.{20 + number}", port=30443) for number in range(2)]
    seen = sight(ending(worker(0)), worker(2, serving=True), cloud=cloud(*ours))
    assert removed(seen, pools=WORKERS) == ["10.0.0.20"]
    assert [add.machine for add in added(seen, pools=WORKERS)] == ["worker-2"]
    assert holds(seen, "worker-0", pools=WORKERS) == ["RP712"]
    assert holds(seen, "cp-0", pools=WORKERS) == []


def test_a_pool_may_be_that_of_some_deployments() -> None:
    some = [{**WORKERS[0], "deployments": ["gpu"]}]
    seen = sight(worker(1, deployment="gpu"), cloud=cloud(pools={POOL: ()}))
    assert [add.machine for add in added(seen, pools=some)] == ["worker-1"]


def test_a_machine_is_held_by_each_of_its_pools() -> None:
    two = [{"id": POOL, "port": 6443}, {"id": "other", "port": 9345}]
    both = {POOL: (member(0), member(1)), "other": (member(0, port=9345), member(1, port=9345))}
    seen = sight(ending(control_plane(0)), control_plane(2, serving=False), cloud=cloud(pools=both))
    assert holds(seen, pools=two) == ["RP712", "RP712"]


def test_a_cluster_that_ends_has_no_pool_to_keep() -> None:
    seen = sight(ending(control_plane(0)), deleting=True)
    assert [action for action in decide(seen, policy()).actions if not isinstance(action, Release)] == []
    assert decide(seen, policy()).words[0].state == "released"


def test_a_machine_without_hooks_that_nobody_deletes_stays_in() -> None:
    assert removed(sight(control_plane(0, hooks=frozenset()))) == []


def test_a_machine_that_has_no_server_yet_keeps_nobody_in() -> None:
    left = member(7, ours=True, id="left")
    new = control_plane(3, server="", node="", addresses=(), serving=False)
    assert removed(sight(new, cloud=cloud(member(0), member(1), member(2), left))) == ["10.0.0.17"]


def test_only_members_that_stay_and_are_not_ours_are_told_of() -> None:
    lost = control_plane(2, addresses=())
    members = [member(number, ours=True) for number in range(3)]
    assert notes(sight(lost, cloud=cloud(*members))) == []
    assert notes(sight(cloud=cloud(member(0), member(1), member(2), member(7, "ERROR")))) == []


@pytest.mark.parametrize(
    ("name", "says"), [("registry", "member registry (10.0.0.17)"), ("", "member member-7")]
)
def test_a_member_of_somebody_else_is_told_by_its_name(name: str, says: str) -> None:
    stray = member(7, name=name)
    (note,) = keep(sight(cloud=cloud(member(0), member(1), member(2), stray)), policy()).notes
    assert says in note.text
