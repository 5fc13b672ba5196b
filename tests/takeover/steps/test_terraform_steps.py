"""Terraform lets go: what holds, what goes on, and who has the state's lock."""

from __future__ import annotations

import pytest
from openstack_world import World

from replank.domain.errors import Hold
from replank.migrations.takeover.steps.terraform import type_of

FORGET = "terraform-forget"
LOCK = "terraform-lock"
UNLOCK = "terraform-unlock"
OURS = "replank takeover of fleet/plain"


def before(world: World) -> dict[str, str]:
    return {kind: v.outcome for kind, v in world.outcomes(world.step(FORGET), "before").items()}


def test_it_holds_until_the_last_resource_is_gone() -> None:
    world = World()
    step = world.step(FORGET)
    first, *rest = sorted(f.address for f in world.plan.forget)
    with pytest.raises(Hold) as held:
        world.apply(step)
    assert (held.value.code, "still lists 13 resources" in held.value.what) == ("RP871", True)
    for address in rest:
        del world.states.resources[address]
    with pytest.raises(Hold) as held:
        world.apply(step)
    assert ("1 resource of" in held.value.what, held.value.why) == (True, first)
    del world.states.resources[first]
    assert len(world.apply(step)["forgotten"]) == 13
    assert world.writes.log == []


def test_a_second_look_after_some_were_removed_is_not_refused() -> None:
    """The serial has gone up, and `terraform plan` would make again what has no entry any more."""
    world = World()
    del world.states.resources[world.plan.forget[0].address]
    world.states.serial += 1
    world.states.changes_now = "1 to add"
    assert set(before(world).values()) == {"pass"}
    after = world.outcomes(world.step(FORGET), "after")
    assert {after["terraform.forgotten"].outcome, after["terraform.no-changes"].outcome} == {"wait"}


def test_others_may_write_to_a_shared_state() -> None:
    world = World()
    world.states.serial += 7
    world.states.resources["module.other.openstack_compute_instance_v2.cp[0]"] = "other"
    assert set(before(world).values()) == {"pass"}


def changed(world: World, what: str) -> None:
    address, thing = world.plan.forget[0].address, world.plan.forget[0].id
    match what:
        case "lineage":
            world.states.lineage = "another"
        case "older":
            world.states.serial -= 1
        case "moved":
            del world.states.resources[address]
            world.states.resources[f"module.new.{address}"] = thing
        case "replaced":
            world.states.resources[address] = "another"


@pytest.mark.parametrize("what", ["lineage", "older", "moved", "replaced"])
def test_another_state_than_the_surveyed_one_fails(what: str) -> None:
    world = World()
    changed(world, what)
    assert before(world)["terraform.state-is"] == "fail"


def test_a_resource_under_another_address_is_not_forgotten() -> None:
    world = World()
    world.forget()
    world.states.resources["module.new.openstack_compute_instance_v2.x"] = world.plan.forget[0].id
    with pytest.raises(Hold) as held:
        world.apply(world.step(FORGET))
    assert held.value.why == "module.new.openstack_compute_instance_v2.x"


def test_the_same_id_of_another_type_is_no_matter() -> None:
    """The association of a floating IP carries the floating IP's ID."""
    world = World()
    world.forget()
    world.states.resources["openstack_networking_floatingip_v2.x"] = world.plan.forget[0].id
    assert world.apply(world.step(FORGET))


def test_a_plan_with_changes_waits_and_one_that_cannot_be_made_fails() -> None:
    world = World()
    world.states.changes_now = "2 to change"
    assert before(world)["terraform.no-changes"] == "wait"
    world.states.changes_now = None
    assert before(world)["terraform.no-changes"] == "fail"


def test_undo_holds_while_the_state_would_replace_what_it_lists_again() -> None:
    world = World()
    step = world.step(FORGET)
    listed = dict(world.states.resources)
    with pytest.raises(Hold):
        world.apply(step)
    world.forget()
    world.apply(step)
    with pytest.raises(Hold) as held:
        world.undo(step)
    assert (held.value.code, "does not list 13 resources again" in held.value.what) == ("RP872", True)
    world.states.resources = listed
    for changes, why in (("2 to replace", "2 to replace"), (None, "it cannot be run here")):
        world.states.changes_now = changes
        with pytest.raises(Hold) as held:
            world.undo(step)
        assert (held.value.code, held.value.why) == ("RP872", why)
    world.states.changes_now = ""
    assert len(world.undo(step)["listed"]) == 13


def test_somebody_elses_lock_is_waited_for() -> None:
    world = World()
    world.forget()
    world.states.locked_by = "ana@laptop"
    assert before(world)["terraform.unlocked"] == "wait"
    with pytest.raises(Hold) as held:
        world.apply(world.step(LOCK))
    assert (held.value.code, "ana@laptop" in held.value.why) == ("RP873", True)
    assert world.outcomes(world.step(LOCK), "after")["terraform.locked"].outcome == "wait"


def test_the_lock_is_held_from_forgetting_until_settled() -> None:
    world = World().until("align-names/04")
    assert world.states.locked_by == OURS
    assert world.outcomes(world.step(LOCK), "after")["terraform.locked"].outcome == "pass"
    assert before(world)["terraform.unlocked"] == "pass"
    step = world.step(UNLOCK)
    assert world.outcomes(step, "after")["terraform.unlocked"].outcome == "wait"
    world.apply(step)
    assert world.states.locked_by == ""
    assert world.outcomes(step, "after")["terraform.unlocked"].outcome == "pass"
    world.undo(step)
    assert world.states.locked_by == OURS
    world.undo(world.step(LOCK))
    assert world.states.locked_by == ""


def test_a_lock_that_ended_with_its_process_is_taken_again_before_the_cluster_is_unpaused() -> None:
    world = World().until("writer-credential")
    world.states.locked_by = ""
    cluster = world.step("unpause/02-cluster")
    assert world.outcomes(cluster, "before")["terraform.locked"].outcome == "pass"
    assert world.states.locked_by == OURS
    world.states.locked_by = "ana@laptop"
    assert world.outcomes(cluster, "before")["terraform.locked"].outcome == "wait"


def test_a_cluster_whose_name_begins_alike_holds_another_lock() -> None:
    world = World()
    world.states.locked_by = f"{OURS}-2"
    assert before(world)["terraform.unlocked"] == "wait"


def test_a_back_end_without_a_lock_is_said() -> None:
    world = World()
    world.states.lockable = False
    assert world.apply(world.step(LOCK)) == {"held": "the back end has no lock"}
    verdict = world.outcomes(world.step(LOCK), "after")["terraform.locked"]
    assert (verdict.outcome, verdict.evidence) == ("pass", {"held": "the back end has no lock"})


@pytest.mark.parametrize(
    "address",
    [
        "openstack_x_v2.name",
        "openstack_x_v2.name[0]",
        'openstack_x_v2.name["a.b]["]',
        "module.a.openstack_x_v2.name",
        'module.a["k.v"].module.b[1].openstack_x_v2.name["x"]',
    ],
)
def test_the_type_is_read_from_any_address(address: str) -> None:
    assert type_of(address) == "openstack_x_v2"
