"""All steps that touch OpenStack, Secrets, etcd and Terraform, in the plan's order: done, undone, killed."""

from __future__ import annotations

import json

import pytest
from adopted import golden
from openstack_world import Died, World, run

from replank.domain.errors import Hold
from replank.migrations.takeover.steps.openstack_registry import check_codes, step_codes
from replank.plan.model import Irreversible, Step

FAMILIES = ("openstack.", "terraform.", "etcd.", "host.", "kubernetes.secret.", "kubernetes.kubeconfig.")
PLANS = ("healthy", "managed-load-balancer", "two-worker-groups", "audit-and-encryption")


@pytest.mark.parametrize("name", PLANS)
def test_every_kind_of_these_families_in_a_plan_has_its_code(name: str) -> None:
    steps = [step for stage in golden(name).stages for step in stage.steps]
    kinds = {s.kind for s in steps if s.kind.startswith(FAMILIES)}
    checks = {c.kind for s in steps for c in (*s.before, *s.after) if c.kind.startswith(FAMILIES)}
    assert kinds - step_codes().keys() == set()
    assert checks - check_codes().keys() == set()


def walk(world: World) -> None:
    """As the engine: checks, found, apply, checks; a step that the plan calls done is passed over."""
    for step in world.steps():
        passing = {k: v for k, v in world.outcomes(step, "before").items() if v.outcome != "pass"}
        assert passing == {}, step.id
        world.apply(step)
        failing = {k: v for k, v in world.outcomes(step, "after").items() if v.outcome != "pass"}
        assert failing == {}, step.id


def undo_all(world: World, done: list[Step]) -> None:
    for step in reversed(done):
        if not isinstance(step.undo, Irreversible):
            if step.kind == "terraform.forget":
                world.remember()
            world.undo(step)


def test_every_check_of_the_plan_passes_around_its_step() -> None:
    world = World()
    world.forget()
    walk(world)
    assert [c["name"] for c in world.cloud.credentials.values()] == ["replank-fleet-plain"]
    assert not any(server["locked"] for server in world.cloud.servers_by_id.values())
    assert world.states.locked_by == ""


@pytest.mark.parametrize("stop", range(len(World().steps())))
def test_undo_from_any_step_gives_everything_back(stop: int) -> None:
    world = World()
    start = world.picture()
    world.forget()
    done = world.steps()[: stop + 1]
    for step in done:
        world.apply(step)
    undo_all(world, done)
    world.remember()
    assert world.picture() == start


def attempt(world: World, step: Step) -> bool:
    """False where the process died in it."""
    try:
        world.apply(step)
    except Died:
        return False
    return True


def writes_of_a_takeover() -> int:
    world = World()
    world.forget()
    for step in world.steps():
        world.apply(step)
    return world.writes.count


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_write_ends_as_without_one(when: str) -> None:
    """Each write of the whole takeover in turn; names, Secrets' keys and credentials are the same then."""
    expected = World()
    expected.forget()
    for step in expected.steps():
        expected.apply(step)
    for number in range(1, writes_of_a_takeover() + 1):
        world = World()
        world.forget()
        world.writes.dies_at = (number, when)
        for step in world.steps():
            if not attempt(world, step):
                secrets = staged(world)
                world.writes.dies_at = None
                outcomes = {k: v.outcome for k, v in world.outcomes(step, "before").items()}
                assert "fail" not in outcomes.values(), (number, outcomes)
                assert attempt(world, step)
                assert secrets.items() <= staged(world).items() or "delete" in step.kind, number
        assert world.picture() == expected.picture(), (number, when)


def staged(world: World) -> dict[str, str]:
    """The secret of each application credential that is written down."""
    return {
        ref.name: document["data"]["secret"]
        for ref, document in world.management.objects.items()
        if ref.kind == "Secret" and "secret" in document["data"]
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_write_of_the_undo_ends_as_without_one(when: str) -> None:
    number = 0
    while True:
        number += 1
        world = World()
        start = world.picture()
        world.forget()
        for step in world.steps():
            world.apply(step)
        world.writes.count, world.writes.dies_at = 0, (number, when)
        died = 0
        for step in reversed(world.steps()):
            if isinstance(step.undo, Irreversible):
                continue
            if step.kind == "terraform.forget":
                world.remember()
            try:
                world.undo(step)
            except Died:
                died += 1
                world.writes.dies_at = None
                world.undo(step)
        assert world.picture() == start, (number, when)
        if not died:
            assert number > 20
            return


def test_nothing_that_is_told_holds_a_secret() -> None:
    world = World()
    world.forget()
    told: list[object] = []
    for step in world.steps():
        told += [v.evidence for v in world.outcomes(step, "before").values()]
        told.append(world.apply(step))
        told.append(world.befores[step.id])
        told += [(v.why, v.evidence) for v in world.outcomes(step, "after").values()]
    secrets = [c["secret"] for c in world.cloud.credentials.values()]
    secrets += [line for pem in world.hosts.files.values() for line in pem.decode().splitlines()[1:-1]]
    text = json.dumps(told)
    assert [secret for secret in secrets if secret in text] == []
    assert len(secrets) > 10


def test_undo_before_terraform_remembers_holds() -> None:
    world = World().until("port-plain-cp-1-0")
    step = world.step("terraform-forget")
    world.befores[step.id] = {"serial": 42, "listed": {f.address: f.id for f in world.plan.forget}}
    with pytest.raises(Hold) as held:
        world.undo(step)
    assert held.value.code == "RP872"
    world.remember()
    assert run(world.codes[step.kind].undo(world.at(step)))
