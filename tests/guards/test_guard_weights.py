"""In a pool that CAPO keeps, a member that does not serve yet or goes soon gets no new connections."""

from __future__ import annotations

from guard_sights import POOL, cloud, control_plane, ending, member, policy, sight

from replank.guards.decide.pools import expects_member, keep
from replank.guards.decide.round import decide
from replank.guards.decision import Release, WeighMember
from replank.guards.policy import Policy
from replank.guards.sight import Sight


def capo() -> Policy:
    return policy(pools=[{"id": POOL, "port": 6443, "keptBy": "cluster-api"}])


def weighed(seen: Sight) -> list[tuple[str, int]]:
    actions = keep(seen, capo()).actions
    assert all(isinstance(action, WeighMember) for action in actions), "CAPO adds and removes"
    return [(a.machine, a.weight) for a in actions if isinstance(a, WeighMember)]


def holds(seen: Sight) -> list[str]:
    return [reason.code for reason in keep(seen, capo()).holds.get("cp-0", [])]


def test_a_pool_at_rest_is_left_alone() -> None:
    assert weighed(sight()) == []


def test_a_new_member_has_no_weight_until_its_api_server_answers() -> None:
    new = {"name": "cp-3", "addresses": ("10.0.0.13",)}
    members = [member(n) for n in range(3)]
    seen = sight(control_plane(3, serving=False, **new), cloud=cloud(*members, member(3)))
    assert weighed(seen) == [("cp-3", 0)]
    seen = sight(control_plane(3, **new), cloud=cloud(*members, member(3, weight=0)))
    assert weighed(seen) == [("cp-3", 1)]


def test_one_that_waits_for_its_termination_loses_its_weight_and_is_held_for_a_round() -> None:
    seen = sight(ending(control_plane(0)))
    assert weighed(seen) == [("cp-0", 0)]
    assert holds(seen) == ["RP712"]
    assert not any(isinstance(action, Release) for action in decide(seen, capo()).actions)


def test_without_weight_it_is_let_go_though_capo_still_has_it_in_the_pool() -> None:
    seen = sight(ending(control_plane(0)), cloud=cloud(member(0, weight=0), member(1), member(2)))
    assert weighed(seen) == []
    assert holds(seen) == []
    assert any(isinstance(action, Release) for action in decide(seen, capo()).actions)


def test_the_last_that_serves_keeps_its_weight_and_is_not_let_go() -> None:
    rest = [control_plane(n, serving=False) for n in (1, 2)]
    seen = sight(ending(control_plane(0)), *rest)
    assert weighed(seen) == []
    assert holds(seen) == ["RP711"]
    kept = keep(seen, capo())
    assert [note.code for note in kept.notes] == ["RP711"]
    assert kept.holds["cp-0"][0].fatal


def test_where_nobody_serves_nothing_is_changed() -> None:
    assert weighed(sight(*(control_plane(n, serving=False) for n in range(3)))) == []


def test_a_member_that_is_no_machines_and_one_of_another_port_are_capos() -> None:
    stranger = member(7, address="10.0.0.99", weight=0)
    other = member(0, id="other", port=9345, weight=0)
    members = [member(n) for n in range(3)]
    assert weighed(sight(cloud=cloud(*members, stranger, other))) == []


def test_while_one_is_coming_the_pool_is_looked_at_all_the_time() -> None:
    """CAPO's new member is in the pool at once, and nothing in Kubernetes tells of it."""
    coming = control_plane(3, serving=False, name="cp-3", addresses=())
    assert expects_member(sight(coming), capo())
    assert not expects_member(sight(), capo())
    assert not expects_member(sight(coming), policy(pools=[{"id": POOL, "port": 6443}]))
    assert not expects_member(sight(ending(control_plane(0, serving=False))), capo())
