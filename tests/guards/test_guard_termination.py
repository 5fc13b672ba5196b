"""Before a termination: pools, volumes, floating IPs, endpoints, and the deadline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from guard_sights import (
    AT,
    BOTH,
    cloud,
    control_plane,
    draining,
    ending,
    member,
    policy,
    sight,
    worker,
    workload,
)

from replank.domain.unknown import Unknown
from replank.guards.decide.round import decide
from replank.guards.decision import KeepFloatingIp, Release, Word
from replank.guards.names import PRE_TERMINATE
from replank.guards.sight import FloatingIpSight, Sight

ON_IT = FloatingIpSight(id="fip", address="203.0.113.7", server="server-worker-0")


def said(seen: Sight, **spec: Any) -> Word:
    (word,) = decide(seen, policy(**spec)).words
    assert word.hook == PRE_TERMINATE
    return word


def codes(word: Word) -> list[str]:
    return [reason.code for reason in word.reasons]


def kept_ips(seen: Sight, **spec: Any) -> list[str]:
    actions = decide(seen, policy(**spec)).actions
    return [action.address for action in actions if isinstance(action, KeepFloatingIp)]


def test_with_everything_done_it_is_let_go() -> None:
    seen = sight(ending(worker(0)))
    assert said(seen).state == "released"
    assert decide(seen, policy()).actions[-1] == Release("worker-0", "uid-worker-0", PRE_TERMINATE)


def test_a_control_plane_out_of_its_pool_is_let_go() -> None:
    assert said(sight(ending(control_plane(0)), cloud=cloud(member(1), member(2)))).state == "released"


@pytest.mark.parametrize("waits_for", ["", "DrainingNode", "WaitingForVolumeDetach"])
def test_before_cluster_api_has_drained_it_nothing_is_let_go(waits_for: str) -> None:
    machine = replace(ending(worker(0)), waits_for=waits_for)
    assert decide(sight(machine), policy()).words == ()


def test_a_drain_that_cluster_api_passes_over_does_not_hold_the_termination() -> None:
    """The last control plane's Node is not drained: its hook before the drain stays for ever."""
    machine = ending(control_plane(0))
    machine = replace(machine, hooks=BOTH)
    seen = sight(machine, cloud=cloud(member(1), member(2)))
    assert said(seen).state == "released"


def test_a_floating_ip_is_taken_off_and_seen_off_before_it_is_let_go() -> None:
    seen = sight(ending(worker(0)), cloud=cloud(floating_ips=(ON_IT,)))
    assert kept_ips(seen) == ["203.0.113.7"]
    assert codes(said(seen)) == ["RP713"]
    assert said(seen).state == "waiting"


def test_a_team_may_let_capo_delete_floating_ips() -> None:
    seen = sight(ending(worker(0)), cloud=cloud(floating_ips=(ON_IT,)))
    spec = {"terminate": {"floatingIps": "release"}}
    assert kept_ips(seen, **spec) == []
    assert said(seen, **spec).state == "released"


def test_other_servers_floating_ips_are_left_where_they_are() -> None:
    seen = sight(ending(worker(0)), cloud=cloud(floating_ips=(replace(ON_IT, server="server-worker-1"),)))
    assert kept_ips(seen) == []
    assert said(seen).state == "released"


def test_floating_ips_are_kept_in_a_cluster_that_ends_too() -> None:
    seen = sight(ending(worker(0)), deleting=True, cloud=cloud(floating_ips=(ON_IT,)))
    assert kept_ips(seen) == ["203.0.113.7"]
    assert codes(said(seen)) == ["RP713"]


@pytest.mark.parametrize(
    ("seen_cloud", "wanted"),
    [
        (cloud(floating_ips=Unknown("503")), ["RP714"]),
        (cloud(volumes={}), ["RP717"]),
        (cloud(volumes={"server-worker-0": Unknown("503")}), ["RP717"]),
        (cloud(volumes={"server-worker-0": ("volume-1",)}), ["RP716"]),
        (Unknown("no login"), ["RP717", "RP714"]),
    ],
)
def test_what_the_cloud_says_or_does_not_say_holds(seen_cloud: Any, wanted: list[str]) -> None:
    word = said(sight(ending(worker(0)), cloud=seen_cloud))
    assert codes(word) == wanted
    assert word.state == "waiting"


def test_volumes_are_named() -> None:
    seen = sight(ending(worker(0)), cloud=cloud(volumes={"server-worker-0": ("volume-1", "volume-2")}))
    assert "volume-1, volume-2" in said(seen).reasons[0].text


@pytest.mark.parametrize(
    ("more", "code", "names"),
    [
        ({"attached": {"worker-0": ("pv-1",)}}, "RP715", "pv-1"),
        ({"endpoints": {"worker-0": ("apps/web",)}}, "RP718", "apps/web"),
    ],
)
def test_what_the_workload_still_has_there_holds(more: dict[str, Any], code: str, names: str) -> None:
    word = said(sight(ending(worker(0)), workload=workload(**more)))
    assert codes(word) == [code]
    assert names in word.reasons[0].text


def test_what_other_nodes_have_holds_nothing() -> None:
    there = {"worker-1": ("apps/web",)}
    assert (
        said(sight(ending(worker(0)), workload=workload(attached=there, endpoints=there))).state == "released"
    )


def test_a_workload_that_could_not_be_seen_holds_until_the_deadline() -> None:
    unseen = Unknown("it does not answer")
    assert codes(said(sight(ending(worker(0)), workload=unseen))) == ["RP721"]
    late = said(sight(ending(worker(0), AT - 900), workload=unseen))
    assert (late.state, late.warn) == ("forced", True)


def test_at_the_deadline_it_is_let_go_with_what_is_left_undone() -> None:
    attached = workload(attached={"worker-0": ("pv-1",)})
    assert said(sight(ending(worker(0), AT - 899), workload=attached)).state == "waiting"
    late = said(sight(ending(worker(0), AT - 900), workload=attached))
    assert (late.state, codes(late)) == ("forced", ["RP715"])


def test_a_team_may_wait_beyond_the_deadline() -> None:
    seen = sight(ending(worker(0), AT - 900), workload=workload(attached={"worker-0": ("pv-1",)}))
    word = said(seen, terminate={"onDeadline": "wait"})
    assert (word.state, word.warn) == ("overdue", False)


def test_the_last_that_lives_is_not_let_go_even_then() -> None:
    alone = cloud(member(0), member(1, "ERROR"), member(2, "ERROR"))
    seen = sight(ending(control_plane(0), AT - 100_000), cloud=alone)
    assert said(seen).state == "overdue"


def test_a_machine_without_a_server_has_nothing_to_lose() -> None:
    machine = ending(worker(0, server="", node="", addresses=()))
    assert said(sight(machine, cloud=Unknown("no login"), workload=Unknown("no answer"))).state == "released"


def test_a_cluster_that_ends_is_not_held_by_its_workload() -> None:
    seen = sight(ending(worker(0)), deleting=True, workload=Unknown("it is gone"))
    assert said(seen).state == "released"


def test_each_of_two_machines_is_judged_by_itself() -> None:
    seen = sight(ending(worker(0)), draining(worker(1)), workload=workload(attached={"worker-0": ("pv",)}))
    states = {word.machine: word.hook for word in decide(seen, policy()).words}
    assert set(states) == {"worker-0", "worker-1"}
