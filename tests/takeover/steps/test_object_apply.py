"""Step `kubernetes.apply`: what it writes, when it refuses, and that it may run again."""

from __future__ import annotations

import pytest
from adopted import World, finalize, golden

from replank.domain.errors import Hold, Refused


def test_objects_are_written_as_the_plan_has_them() -> None:
    world = World().written()
    for step in world.steps():
        if step.kind == "kubernetes.apply":
            assert world.check("kubernetes.as-planned", step).outcome == "pass", step.id


def test_writing_again_after_a_crash_makes_no_second_object() -> None:
    world = World().written()
    uids = {ref: d["metadata"]["uid"] for ref, d in world.management.objects.items()}
    for step in world.steps():
        if step.kind == "kubernetes.apply":
            world.apply(step)
    assert {ref: d["metadata"]["uid"] for ref, d in world.management.objects.items()} == uids


def test_found_names_uids_and_never_data() -> None:
    world = World()
    step = world.step("credentials/namespace")
    world.apply(step)
    assert world.befores[step.id] == {"uids": {"Namespace/fleet": None}}
    world.befores.clear()
    world.apply(step)
    uid = world.management["Namespace/fleet"]["metadata"]["uid"]
    assert world.befores[step.id] == {"uids": {"Namespace/fleet": uid}}


def test_a_namespace_that_is_there_is_not_touched() -> None:
    world = World()
    world.management.put(dict(golden().manifests["Namespace/fleet"]))
    world.management.writes.clear()
    world.apply(world.step("credentials/namespace"))
    assert world.management.writes == []


def test_somebody_elses_object_is_never_written_over() -> None:
    world = World()
    world.apply(world.step("credentials/namespace"))
    foreign = dict(golden().manifests["Cluster/plain"]) | {"spec": {"paused": False}}
    world.management.put(foreign)
    with pytest.raises(Refused, match="RP860"):
        world.apply(world.step("infrastructure/cluster"))
    assert world.management["Cluster/plain"]["spec"] == {"paused": False}


def test_nothing_is_written_below_a_cluster_that_is_not_paused() -> None:
    world = World()
    for part in ("credentials/namespace", "infrastructure/cluster"):
        world.apply(world.step(part))
    world.management.change(world.management.ref("Cluster/plain"), {"spec": {"paused": False}})
    with pytest.raises(Refused, match="RP863"):
        world.apply(world.step("infrastructure/openstack-cluster"))
    assert world.management.named("OpenStackCluster") == []


def test_an_object_that_is_going_is_waited_for() -> None:
    world = World()
    world.apply(world.step("credentials/namespace"))
    step = world.step("infrastructure/cluster")
    world.apply(step)
    ref = world.management.ref("Cluster/plain")
    finalize(world.management, ref)
    world.management.objects[ref]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(Hold, match="RP861"):
        world.apply(step)


@pytest.mark.parametrize("missing", ["Machine/plain-cp-2", "KubeadmConfig/plain-cp-2"])
def test_no_control_plane_object_without_all_of_its_machines(missing: str) -> None:
    """A KubeadmControlPlane that sees fewer Machines than etcd has members removes the others."""
    world = World()
    steps = [s for s in world.steps() if s.kind == "kubernetes.apply"]
    for step in steps[:-1]:
        world.apply(step)
    del world.management.objects[world.management.ref(missing)]
    with pytest.raises(Refused, match=r"RP868.*plain-cp-2"):
        world.apply(steps[-1])
    assert world.management.named("KubeadmControlPlane") == []


def test_every_write_is_tried_dry_first() -> None:
    """By the check before the step, or by the step itself where the plan has no such check."""
    world = World()
    asked: list[str] = []

    def webhook(document: dict[str, object]) -> dict[str, object]:
        asked.append(str(document["kind"]))
        return document

    world.management.webhook = webhook
    world.apply(world.step("credentials/namespace"))
    assert asked == ["Namespace", "Namespace"]
    with_check = world.step("infrastructure/cluster")
    assert "kubernetes.dry-run" in [check.kind for check in with_check.before]
    world.apply(with_check)
    assert asked == ["Namespace", "Namespace", "Cluster"]
