"""Credentials that cannot write, locks, and names: what is refused and what is put back."""

from __future__ import annotations

import base64

import pytest
from openstack_world import World, with_params

from replank.domain.errors import Hold, Refused

CLOUD_CONFIG = "Secret/plain-cloud-config"


def fenced() -> World:
    return World().until("secret-plain-ca")


@pytest.mark.parametrize(
    ("status", "outcome"), [(403, "pass"), (401, "pass"), (404, "fail"), (200, "fail"), (409, "fail")]
)
def test_only_a_refusal_proves_that_a_credential_cannot_write(status: int, outcome: str) -> None:
    world = fenced()
    world.cloud.writes_answer = status
    asked = [world.outcomes(world.step("reader-credential"), "after"), {}]
    asked[1]["unpause"] = world.check(
        world.step("unpause/02-cluster"),
        next(
            c
            for c in world.step("unpause/02-cluster").before
            if c.kind == "openstack.credential.cannot-write"
        ),
    )
    assert asked[0]["openstack.credential.cannot-write"].outcome == outcome
    assert asked[1]["unpause"].outcome == outcome


def test_a_write_to_what_does_not_exist_is_no_proof() -> None:
    world = fenced()
    world.cloud.servers_by_id.pop(world.plan.machines[0].server_id)
    assert world.ask("openstack.credential.cannot-write").outcome == "fail"


def test_without_parameters_it_is_capos_own_credential_that_is_tried() -> None:
    world = fenced()
    assert world.ask("openstack.credential.cannot-write").outcome == "pass"
    for part in ("writer-credential", "swap-credential"):
        world.apply(world.step(part))
    assert world.ask("openstack.credential.cannot-write").outcome == "fail"


def test_the_secret_of_a_credential_is_staged_before_keystone_knows_it() -> None:
    world = World().until("reader-credential")
    world.apply(world.step("reader-credential"))
    names = [line for line in world.writes.log if "reader" in line]
    assert names == [
        "create Secret replank-fleet-plain-reader",
        "create credential replank-fleet-plain-reader",
    ]


def test_a_credential_with_another_secret_is_made_anew_and_a_good_one_stays() -> None:
    world = World().until("reader-credential")
    step = world.step("reader-credential")
    first = world.apply(step)
    assert world.apply(step) == {**first, "made": False}
    world.cloud.credentials[first["credential"]]["secret"] = "another"
    again = world.apply(step)
    assert (again["made"], again["credential"] != first["credential"]) == (True, True)
    assert len(world.cloud.credentials) == 1


def test_a_credential_without_the_role_is_made_anew() -> None:
    world = World().until("reader-credential")
    step = world.step("reader-credential")
    first = world.apply(step)
    world.cloud.credentials[first["credential"]]["roles"] = [{"name": "member"}]
    assert world.apply(step)["made"]


def test_a_credential_that_keystone_shows_with_implied_roles_stays() -> None:
    world = World().until("reader-credential")
    step = world.step("reader-credential")
    first = world.apply(step)
    # As Keystone on the ground lists one that was made with `reader` alone.
    world.cloud.credentials[first["credential"]]["roles"].append({"name": "load-balancer_observer"})
    assert world.apply(step) == {**first, "made": False}


def test_somebody_elses_secret_under_the_credentials_name_is_left_alone() -> None:
    world = World().until("reader-credential")
    world.management.put(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "replank-fleet-plain-reader", "namespace": "fleet"},
            "data": {"password": "eA=="},
        }
    )
    with pytest.raises(Refused) as refused:
        world.apply(world.step("reader-credential"))
    assert refused.value.code == "RP878"
    assert world.cloud.credentials == {}


def held_id(world: World) -> str:
    text = base64.b64decode(world.management[CLOUD_CONFIG]["data"]["clouds.yaml"]).decode()
    (line,) = [line for line in text.splitlines() if "application_credential_id" in line]
    return line.partition('"')[2].rstrip('"')


def test_clouds_yaml_carries_login_region_and_ca() -> None:
    world = fenced()
    data = world.management[CLOUD_CONFIG]["data"]
    text = base64.b64decode(data["clouds.yaml"]).decode()
    for part in ('"openstack":', "v3applicationcredential", '"https://keystone.example.org/v3"', "RegionOne"):
        assert part in text
    assert base64.b64decode(data["cacert"]).decode() == world.cloud.cacert


def test_undo_of_the_swap_makes_a_revoked_reader_anew() -> None:
    world = World().until("terraform-unlock")
    assert [c["name"] for c in world.cloud.credentials.values()] == ["replank-fleet-plain"]
    world.undo(world.step("swap-credential"))
    held = world.cloud.credentials[held_id(world)]
    assert (held["name"], held["roles"]) == ("replank-fleet-plain-reader", [{"name": "reader"}])
    assert world.ask("openstack.credential.cannot-write").outcome == "pass"


def test_undo_of_the_swap_refuses_a_reader_that_can_write() -> None:
    world = World().until("terraform-unlock")
    writer = held_id(world)
    world.cloud.writes_answer = 200
    with pytest.raises(Refused) as refused:
        world.undo(world.step("swap-credential"))
    assert (refused.value.code, held_id(world)) == ("RP883", writer)


def test_a_credential_in_use_is_not_revoked() -> None:
    world = World().until("swap-credential")
    step = world.step("revoke-reader")
    assert world.outcomes(step, "before")["openstack.credential.unused"].outcome == "fail"
    world.apply(world.step("swap-credential"))
    assert world.outcomes(step, "before")["openstack.credential.unused"].outcome == "pass"


def test_a_lock_of_somebody_else_is_kept_and_waited_for() -> None:
    world = World().until("lock-plain-cp-1")
    lock, unlock = world.step("credentials/09-lock-plain-cp-1"), world.step("unlock-plain-cp-1")
    server = world.cloud.servers_by_id[str(lock.params["server"])]
    server |= {"locked": True, "locked_reason": "do not touch"}
    world.apply(lock)
    world.undo(lock)
    assert (server["locked"], server["locked_reason"]) == (True, "do not touch")
    with pytest.raises(Hold) as held:
        world.apply(unlock)
    assert held.value.code == "RP875"
    server |= {"locked": False, "locked_reason": None}
    world.apply(unlock)
    assert world.outcomes(unlock, "after")["openstack.server.unlocked"].outcome == "pass"


def test_a_port_gets_its_name_and_tags_back_exactly() -> None:
    world = World().until("port-plain-cp-1")
    step = world.step("port-plain-cp-1")
    port = world.cloud.ports_by_id[str(step.params["port"])]
    world.apply(step)
    assert (port["name"], port["tags"]) == ("plain-cp-1-0", ["legacy", "replank-was=plain-cp-1-port"])
    world.undo(step)
    assert (port["name"], port["tags"]) == ("plain-cp-1-port", ["legacy"])


def test_a_port_of_another_server_is_not_renamed() -> None:
    world = World().until("port-plain-cp-1")
    step = world.step("port-plain-cp-1")
    world.cloud.ports_by_id[str(step.params["port"])]["device_id"] = "other"
    assert world.outcomes(step, "before")["openstack.port.is"].outcome == "fail"
    with pytest.raises(Refused):
        world.apply(step)


def test_a_port_that_somebody_else_named_is_not_renamed() -> None:
    world = World().until("port-plain-cp-1")
    step = world.step("port-plain-cp-1")
    world.cloud.ports_by_id[str(step.params["port"])]["name"] = "another"
    assert world.outcomes(step, "before")["openstack.port.is"].outcome == "fail"


def test_a_name_that_another_port_of_the_network_has_is_not_taken() -> None:
    world = World().until("port-plain-cp-1")
    step = world.step("port-plain-cp-1")
    port = world.cloud.ports_by_id[str(step.params["port"])]
    world.cloud.add_port("other", "plain-cp-1-0", str(port["network_id"]))
    assert world.outcomes(step, "before")["openstack.port.name-free"].outcome == "fail"


def test_parts_of_a_load_balancer_are_renamed_and_named_back() -> None:
    world = World()
    world.cloud.parts["listener", "l1"] = {"id": "l1", "name": "old"}
    step = with_params(world.step("port-plain-cp-1"), id="l1", new="new")
    code = world.codes["openstack.listener.rename"]
    world.codes = {**world.codes, step.kind: code}
    world.apply(step)
    assert world.cloud.parts["listener", "l1"]["name"] == "new"
    assert world.ask("openstack.listener.is", id="l1", name="new").outcome == "pass"
    world.undo(step)
    assert world.cloud.parts["listener", "l1"]["name"] == "old"


@pytest.mark.parametrize(
    ("status", "outcome"), [("ACTIVE", "pass"), ("PENDING_UPDATE", "wait"), ("ERROR", "fail")]
)
def test_a_load_balancer_must_be_active(status: str, outcome: str) -> None:
    world = World()
    world.cloud.parts["load-balancer", "lb"] = {"id": "lb", "provisioning_status": status}
    assert world.ask("openstack.load-balancer.active", id="lb").outcome == outcome
