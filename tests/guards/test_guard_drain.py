"""Before a drain: what holds the hook, what is said, and what a deadline changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from guard_sights import AT, budget, draining, gone_from, nodes, pod, policy, sight, worker, workload

from replank.domain.unknown import Unknown
from replank.guards.decide.round import decide
from replank.guards.decision import Release, Word
from replank.guards.names import PRE_DRAIN
from replank.guards.policy import Policy
from replank.guards.sight import NodeSight, Sight

FORCE = {"deadlineSeconds": 600, "onDeadline": "force"}


def said(seen: Sight, wanted: Policy | None = None, machine: str = "worker-0") -> Word:
    words = [word for word in decide(seen, wanted or policy()).words if word.machine == machine]
    assert len(words) == 1
    assert words[0].hook == PRE_DRAIN
    return words[0]


def releases(seen: Sight, wanted: Policy | None = None) -> list[Release]:
    return [action for action in decide(seen, wanted or policy()).actions if isinstance(action, Release)]


def codes(word: Word) -> list[str]:
    return [reason.code for reason in word.reasons]


def seen_draining(since: float = AT - 10, **more: Any) -> Sight:
    """worker-0 is deleted and carries the taint already."""
    more.setdefault("nodes", nodes(gone_from("worker-0")))
    return sight(draining(worker(0), since), workload=workload(**more))


def test_a_drain_that_can_end_is_let_go() -> None:
    seen = seen_draining(
        pods=(pod("web-1", "worker-0", budgets=("apps/web",)),), budgets={"apps/web": budget()}
    )
    assert said(seen).state == "released"
    assert releases(seen) == [Release("worker-0", "uid-worker-0", PRE_DRAIN)]


def test_a_machine_that_nobody_deletes_is_not_spoken_of() -> None:
    assert decide(sight(), policy()).words == ()


def test_a_machine_without_our_hook_is_not_spoken_of() -> None:
    assert decide(sight(draining(worker(0, hooks=frozenset()))), policy()).words == ()


def test_the_taint_comes_a_round_before_the_drain() -> None:
    seen = seen_draining(nodes=nodes())
    assert codes(said(seen)) == ["RP723"]
    assert releases(seen) == []


def test_whoever_wants_no_taint_waits_for_none() -> None:
    wanted = policy(drain={"taint": "none", "surge": "never"})
    assert said(seen_draining(nodes=nodes()), wanted).state == "released"


def test_a_budget_that_never_allows_is_named_with_its_pod_and_whose_it_is() -> None:
    seen = seen_draining(
        pods=(pod("db-0", "worker-0", "StatefulSet/db", budgets=("apps/db",)),),
        budgets={"apps/db": budget("db", allowed=0, never=True)},
    )
    reason = said(seen).reasons[0]
    assert (reason.code, reason.word) == ("RP724", "BudgetNeverAllows")
    for part in ("apps/db (minAvailable 1, 2 pods)", "apps/db-0", "StatefulSet/db"):
        assert part in reason.text
    assert releases(seen) == []


def test_a_budget_that_allows_none_now_is_another_reason() -> None:
    seen = seen_draining(
        pods=(pod("web-1", "worker-0", budgets=("apps/web",)),), budgets={"apps/web": budget(allowed=0)}
    )
    assert codes(said(seen)) == ["RP725"]


def test_a_budget_of_pods_elsewhere_holds_nothing() -> None:
    seen = seen_draining(
        pods=(pod("web-1", "worker-1", budgets=("apps/web",)),),
        budgets={"apps/web": budget(allowed=0, never=True)},
    )
    assert said(seen).state == "released"


def test_a_bare_pod_holds_unless_the_team_lets_it_go() -> None:
    seen = seen_draining(pods=(pod("job", "worker-0", ""),))
    assert codes(said(seen)) == ["RP726"]
    assert said(seen, policy(drain={"barePods": "evict"})).state == "released"


def test_pods_need_a_node_that_stays_and_takes_them() -> None:
    doomed = nodes(gone_from("worker-0"), NodeSight(name="worker-1", open=False))
    seen = seen_draining(nodes=doomed, pods=(pod("web-1", "worker-0"),))
    assert codes(said(seen)) == ["RP728"]
    assert "apps/web-1" in said(seen).reasons[0].text


def test_control_planes_take_no_pods_of_workers() -> None:
    only = nodes(gone_from("worker-0"))
    del only["worker-1"]
    assert codes(said(seen_draining(nodes=only, pods=(pod("web-1", "worker-0"),)))) == ["RP728"]


def test_an_empty_node_needs_no_other() -> None:
    only = {"worker-0": gone_from("worker-0")}
    assert said(seen_draining(nodes=only)).state == "released"


def test_many_pods_are_counted_not_listed() -> None:
    pods = tuple(pod(f"web-{n}", "worker-0") for n in range(5))
    doomed = nodes(gone_from("worker-0"), NodeSight(name="worker-1", open=False))
    assert "and 2 more" in said(seen_draining(nodes=doomed, pods=pods)).reasons[0].text


def test_a_closed_window_holds_beyond_every_deadline() -> None:
    """AT is 08:00."""
    wanted = policy(drain={"window": {"opens": "22:00", "closes": "04:00"}, **FORCE})
    word = said(seen_draining(AT - 100_000), wanted)
    assert codes(word) == ["RP722"]
    assert word.state == "overdue"


def test_an_open_window_holds_nothing() -> None:
    wanted = policy(drain={"window": {"opens": "07:00", "closes": "09:00"}})
    assert said(seen_draining(), wanted).state == "released"


def test_a_workload_that_could_not_be_seen_holds() -> None:
    seen = sight(draining(worker(0)), workload=Unknown("it does not answer"))
    word = said(seen)
    assert codes(word) == ["RP721"]
    assert "it does not answer" in word.reasons[0].text


@pytest.mark.parametrize(
    ("on_deadline", "state", "warn"),
    [("wait", "overdue", False), ("warn", "overdue", True), ("force", "forced", True)],
)
def test_what_a_deadline_does_is_the_teams_choice(on_deadline: str, state: str, warn: bool) -> None:
    wanted = policy(drain={"deadlineSeconds": 600, "onDeadline": on_deadline})
    word = said(seen_draining(AT - 600, pods=(pod("job", "worker-0", ""),)), wanted)
    assert (word.state, word.warn) == (state, warn)
    assert codes(word) == ["RP726"]


def test_a_second_before_its_deadline_it_waits_without_a_warning() -> None:
    word = said(seen_draining(AT - 599, pods=(pod("job", "worker-0", ""),)), policy(drain=FORCE))
    assert (word.state, word.warn) == ("waiting", False)


def test_the_time_counts_from_the_wait_and_not_from_the_deletion() -> None:
    machine = draining(worker(0), AT - 10)
    seen = sight(
        replace(machine, deleting_since=AT - 5000),
        workload=workload(nodes=nodes(gone_from("worker-0")), pods=(pod("job", "worker-0", ""),)),
    )
    assert said(seen, policy(drain=FORCE)).state == "waiting"


def test_in_the_first_round_nobody_is_late_however_long_ago_the_deletion_was() -> None:
    machine = replace(draining(worker(0)), deleting_since=AT - 5000, waiting_since=None, waits_for="")
    seen = sight(
        machine, workload=workload(nodes=nodes(gone_from("worker-0")), pods=(pod("job", "worker-0", ""),))
    )
    assert said(seen, policy(drain=FORCE)).state == "waiting"


def test_in_a_cluster_that_ends_nothing_is_drained() -> None:
    seen = sight(draining(worker(0)), deleting=True, workload=Unknown("it is gone"))
    assert said(seen).state == "released"


def test_a_machine_that_never_had_a_node_is_let_go_at_once() -> None:
    seen = sight(draining(worker(0, node="")), workload=Unknown("it does not answer"))
    assert said(seen).state == "released"


def test_a_node_that_somebody_deleted_needs_no_drain() -> None:
    rest = nodes()
    del rest["worker-0"]
    assert said(seen_draining(nodes=rest)).state == "released"


def test_all_reasons_are_said_at_once() -> None:
    seen = seen_draining(
        nodes=nodes(),
        pods=(pod("job", "worker-0", ""), pod("web-1", "worker-0", budgets=("apps/web",))),
        budgets={"apps/web": budget(allowed=0)},
    )
    assert codes(said(seen)) == ["RP723", "RP726", "RP725"]


def test_few_pods_are_all_named() -> None:
    pods = tuple(pod(f"web-{n}", "worker-0") for n in range(3))
    doomed = nodes(gone_from("worker-0"), NodeSight(name="worker-1", open=False))
    text = said(seen_draining(nodes=doomed, pods=pods)).reasons[0].text
    assert "apps/web-2" in text
    assert "more" not in text


def test_an_outdated_node_of_the_set_is_no_room_although_it_is_open() -> None:
    seen = sight(
        draining(worker(0)),
        worker(1, outdated=True),
        workload=workload(nodes=nodes(gone_from("worker-0")), pods=(pod("web-1", "worker-0"),)),
    )
    assert codes(said(seen)) == ["RP728"]
    assert said(seen, policy(drain={"taint": "machine"})).state == "released"


def test_a_bare_pod_under_a_budget_is_nobodys() -> None:
    seen = seen_draining(
        pods=(pod("job", "worker-0", "", budgets=("apps/web",)),), budgets={"apps/web": budget(allowed=0)}
    )
    word = said(seen, policy(drain={"barePods": "evict"}))
    assert codes(word) == ["RP725"]
    assert "apps/job of nobody" in word.reasons[0].text
