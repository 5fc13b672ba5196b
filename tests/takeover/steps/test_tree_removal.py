"""Undo of the objects: no controller ever sees a deletion, and nothing is left."""

from __future__ import annotations

import copy
import random

import pytest
from adopted import World, add_server, finalize, golden, own, say
from kubernetes_fake import FakeApi

from replank.domain.errors import Hold, Refused, Transient
from replank.domain.verdict import failed
from replank.plan.model import Step
from replank.ports.access import ObjectRef


def undo_all(world: World) -> None:
    for step in reversed(world.steps()):
        world.undo(step)


def left(world: World) -> set[str]:
    return {ref.kind for ref in world.management.objects} - {"Deployment"}


def applied(world: World) -> list[Step]:
    return [s for s in world.steps() if s.kind == "kubernetes.apply"]


def test_undo_of_an_adopted_cluster_leaves_nothing_and_shows_no_deletion() -> None:
    world = World().adopted()
    undo_all(world)
    assert left(world) == set()
    assert world.management.harm == []


def test_undo_before_anything_was_unpaused() -> None:
    world = World().written()
    undo_all(world)
    assert left(world) == set()
    assert world.management.harm == []


def test_undo_holds_after_every_interruption() -> None:
    """The process dies after the n-th write, for every n; undone again, the end is the same."""
    reference = World().adopted()
    reference.management.writes.clear()
    undo_all(reference)
    total = len(reference.management.writes)
    assert total > 30
    seed = 20_261
    rng = random.Random(seed)
    points = sorted(rng.sample(range(1, total), 12))
    print(f"seed {seed}: {points}")
    start = World().adopted()
    for point in points:
        world = World()
        world.management.objects = copy.deepcopy(start.management.objects)
        world.workload.objects = copy.deepcopy(start.workload.objects)
        world.management.reactions = list(start.management.reactions)
        world.befores = copy.deepcopy(start.befores)
        _die_after(world.management, point)
        with pytest.raises(Died):
            undo_all(world)
        world.management.reactions.pop()
        undo_all(world)
        assert left(world) == set(), point
        assert world.management.harm == [], point


class Died(BaseException):
    """The process is gone."""


def _die_after(api: FakeApi, writes: int) -> None:
    count = 0

    def die(api: FakeApi, verb: str, ref: ObjectRef) -> None:
        nonlocal count
        count += 1
        if count == writes:
            raise Died

    api.reactions.append(die)


def test_finalizers_that_come_back_start_the_object_again() -> None:
    """Seen: controllers put them back within a second, also under the pause."""
    world = World().adopted()
    back = {"count": 0}

    def put_back(api: FakeApi, verb: str, ref: ObjectRef) -> None:
        there = api.objects.get(ref)
        stripped = there is not None and not there["metadata"].get("finalizers")
        if verb == "merge" and ref.kind == "Machine" and stripped and back["count"] < 10:
            back["count"] += 1
            finalize(api, ref)

    world.management.reactions.append(put_back)
    undo_all(world)
    assert back["count"] == 10
    assert left(world) == set()
    assert world.management.harm == []


def test_finalizers_that_always_come_back_end_without_a_deletion() -> None:
    world = World().adopted()
    for step in reversed(world.steps()):
        if step.kind == "kubernetes.apply":
            break
        world.undo(step)

    def put_back(api: FakeApi, verb: str, ref: ObjectRef) -> None:
        if ref.kind == "Machine" and ref in api.objects:
            finalize(api, ref)

    world.management.reactions.append(put_back)
    with pytest.raises(Transient, match="RP866"):
        world.undo(applied(world)[-1])
    assert world.management.harm == []
    assert len(world.management.named("Machine")) == 5


def test_a_machine_that_cluster_api_made_stops_the_undo_before_anything_is_done() -> None:
    world = World().adopted()
    made = copy.deepcopy(world.management["Machine/plain-worker-1"])
    made["metadata"] = {k: v for k, v in made["metadata"].items() if k not in ("uid", "resourceVersion")}
    made["metadata"]["name"] = "plain-worker-x7k2p"
    made["spec"]["providerID"] = "openstack:///new"
    world.management.put(made)
    world.management.writes.clear()
    world.workload.writes.clear()
    for step in reversed(world.steps()):
        if step.id in world.befores:
            with pytest.raises(Refused, match=r"RP862.*plain-worker-x7k2p \(openstack:///new\)"):
                world.undo(step)
            break
    for step in applied(world)[1:]:
        with pytest.raises(Refused, match="RP862"):
            world.undo(step)
    assert world.management.writes == []
    assert world.workload.writes == []


@pytest.mark.parametrize("kind", ["MachineSet", "OpenStackServer", "KubeadmConfig", "OpenStackMachine"])
def test_any_other_foreign_object_stops_it_too(kind: str) -> None:
    world = World().adopted()
    model = next(d for ref, d in world.management.objects.items() if ref.kind == kind)
    foreign = copy.deepcopy(model)
    foreign["metadata"] = {"name": "more", "namespace": "fleet", "labels": model["metadata"]["labels"]}
    world.management.put(foreign)
    world.management.writes.clear()
    with pytest.raises(Refused, match=f"RP862.*{kind}/more"):
        world.undo(applied(world)[-1])
    assert world.management.writes == []


def test_nothing_is_removed_while_a_controller_has_not_seen_the_pause() -> None:
    world = World().adopted()
    world.management.reactions.clear()
    with pytest.raises(Hold, match="RP864"):
        world.undo(applied(world)[-1])
    assert [verb for verb, _ in world.management.writes if verb == "delete"] == []
    assert len(world.management.named("Machine")) == 5


def test_nothing_of_capo_is_removed_while_its_credential_may_write() -> None:
    world = World().adopted()
    world.credential_verdict = failed("it may write", "Put the reading one back.")
    with pytest.raises(Hold, match=r"RP865.*it may write"):
        world.undo(applied(world)[-1])
    assert [verb for verb, _ in world.management.writes if verb == "delete"] == []


def test_an_object_that_somebody_deleted_goes_without_its_controller() -> None:
    world = World().adopted()
    ref = world.management.ref("Machine/plain-worker-1")
    world.management.objects[ref]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    undo_all(world)
    assert left(world) == set()
    assert world.management.harm == []


def test_an_openstackserver_without_the_label_goes_too() -> None:
    world = World().adopted()
    ref = world.management.ref("OpenStackServer/plain-cp-1")
    world.management.change(ref, {"metadata": {"labels": None}})
    undo_all(world)
    assert left(world) == set()
    assert world.management.harm == []


def test_an_openstackserver_that_capo_makes_again_in_between_goes_before_its_owner() -> None:
    """CAPO's cache may be half a minute behind the pause."""
    world = World().adopted()
    again: list[str] = []

    def make_again(api: FakeApi, verb: str, ref: ObjectRef) -> None:
        if verb == "delete" and ref.kind == "OpenStackServer" and ref.name not in again:
            again.append(ref.name)
            add_server(world, ref.name)
            finalize(api, api.ref(f"OpenStackServer/{ref.name}"))

    world.management.reactions.append(make_again)
    undo_all(world)
    assert len(again) == 5
    assert left(world) == set()
    assert world.management.harm == []


def test_what_has_lost_its_owner_goes_with_the_cluster() -> None:
    """A server that CAPO made again after its OpenStackMachine was gone belongs to nobody."""
    world = World().adopted()
    orphan = copy.deepcopy(world.management["OpenStackServer/plain-cp-1"])
    for step in reversed(applied(world)[2:]):
        world.undo(step)
    assert world.management.named("OpenStackServer") == []
    world.management.put(orphan)
    for step in reversed(applied(world)[:2]):
        world.undo(step)
    assert left(world) == set()
    assert world.management.harm == []


def test_secrets_of_controllers_go_and_the_plans_stay_for_their_own_step() -> None:
    world = World().adopted()
    for name in ("plain-made-by-kcp", "plain-ca", "plain-unowned"):
        labels = {"cluster.x-k8s.io/cluster-name": "plain"}
        world.management.put(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": name, "namespace": "fleet", "labels": labels},
                "data": {"tls.key": "planted-secret"},
            }
        )
    for name in ("plain-made-by-kcp", "plain-ca"):
        own(world.management, f"Secret/{name}", "KubeadmControlPlane/plain-control-plane")
    answers = [world.undo(step) for step in reversed(world.steps())]
    assert world.management.named("Secret") == ["plain-ca", "plain-unowned"]
    assert "ownerReferences" not in world.management["Secret/plain-ca"]["metadata"]
    assert "planted-secret" not in str(answers)


def test_another_cluster_in_the_same_namespace_is_left_alone() -> None:
    world = World().adopted()
    other = copy.deepcopy(world.management["Machine/plain-worker-1"])
    other["metadata"] = {
        "name": "other-1",
        "namespace": "fleet",
        "labels": {"cluster.x-k8s.io/cluster-name": "other"},
    }
    world.management.put(other)
    undo_all(world)
    assert world.management.named("Machine") == ["other-1"]
    assert world.management.named("Namespace") == ["fleet"]


def test_objects_that_stood_there_before_stay() -> None:
    world = World().written()
    step = world.step("infrastructure/openstack-cluster")
    world.befores[step.id] = {"uids": {"OpenStackCluster/plain": "somebody-elses"}}
    world.undo(step)
    assert world.management.named("OpenStackCluster") == ["plain"]


def test_children_go_before_their_owners() -> None:
    world = World().adopted()
    world.management.writes.clear()
    undo_all(world)
    deleted = [f"{ref.kind}/{ref.name}" for verb, ref in world.management.writes if verb == "delete"]
    for machine in golden().machines:
        name = machine.machine
        order = [f"{kind}/{name}" for kind in ("OpenStackServer", "OpenStackMachine", "Machine")]
        assert sorted(order, key=deleted.index) == order
    assert deleted[-2:] == ["Cluster/plain", "Namespace/fleet"]


def test_paused_false_on_one_machine_is_waited_for() -> None:
    """The condition flips while the removal waits."""
    world = World().written()
    ref = world.management.ref("Machine/plain-cp-1")
    say(world.management, ref, "Paused", "False")
    slept = world.clock.sleep

    async def sleep(seconds: float) -> None:
        await slept(seconds)
        say(world.management, ref, "Paused", "True")

    world.clock.sleep = sleep  # type: ignore[method-assign]
    world.undo(applied(world)[-1])
    assert world.management.named("KubeadmControlPlane") == []
