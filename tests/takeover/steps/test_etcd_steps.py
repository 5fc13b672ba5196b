"""etcd's snapshot in time, and its members by name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openstack_world import World

from replank.domain.errors import Transient

SNAPSHOT = "etcd-snapshot"
KCP = "unpause/05-kcp"


def test_a_young_snapshot_is_kept_and_an_old_one_is_not_enough() -> None:
    world = World()
    step = world.step(SNAPSHOT)
    assert world.outcomes(step, "after")["etcd.snapshot-fresh"].outcome == "wait"
    assert world.apply(step)["taken"]
    world.clock.time += 29 * 60
    assert not world.apply(step)["taken"]
    world.clock.time += 2 * 60
    verdict = world.outcomes(step, "after")["etcd.snapshot-fresh"]
    assert (verdict.outcome, "31 minutes old" in verdict.why) == ("wait", True)
    assert world.apply(step)["taken"]
    assert world.undo(step)["kept"] == world.hosts.snapshots[-1].path


def test_before_kcp_is_unpaused_an_old_snapshot_is_renewed() -> None:
    world = World()
    world.apply(world.step(SNAPSHOT))
    world.clock.time += 12 * 3600
    verdict = world.outcomes(world.step(KCP), "before")["etcd.snapshot-fresh"]
    assert (verdict.outcome, verdict.evidence["renewed"], len(world.hosts.snapshots)) == ("pass", True, 2)
    world.outcomes(world.step(KCP), "before")
    assert len(world.hosts.snapshots) == 2


def test_a_machine_that_does_not_answer_is_passed_over_and_named() -> None:
    world = World()
    world.hosts.unreachable = {"plain-cp-1"}
    evidence = world.apply(world.step(SNAPSHOT))
    assert evidence["path"] == "snapshots/plain-cp-2.age"
    assert "no route to host" in evidence["passed_over"]["plain-cp-1"]
    world.hosts.unreachable = {"plain-cp-1", "plain-cp-2", "plain-cp-3"}
    world.clock.time += 3600
    with pytest.raises(Transient):
        world.apply(world.step(SNAPSHOT))


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "pass"),
        ({"name": "other"}, "fail"),
        ({"name": ""}, "wait"),
        ({"learner": True}, "wait"),
        ({"healthy": False}, "wait"),
    ],
)
def test_members_must_be_the_nodes(change: dict[str, object], outcome: str) -> None:
    world = World()
    world.hosts.members[0] = replace(world.hosts.members[0], **change)  # type: ignore[arg-type]
    step = world.step("align-names/01-identity")
    assert world.outcomes(step, "after")["etcd.members-are-nodes"].outcome == outcome


@pytest.mark.parametrize("change", ["one is missing", "one is too many"])
def test_no_member_may_be_missing_or_too_many(change: str) -> None:
    world = World()
    if change == "one is missing":
        world.hosts.members.pop()
    else:
        world.hosts.members.append(replace(world.hosts.members[0], id="ff", name="fourth"))
    verdict = world.outcomes(world.step("align-names/01-identity"), "after")["etcd.members-are-nodes"]
    assert verdict.outcome == "fail"
