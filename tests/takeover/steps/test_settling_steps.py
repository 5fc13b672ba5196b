"""Guards and field ownership: what settling takes off, and what comes back."""

from __future__ import annotations

import pytest
from adopted import World
from kubernetes_fake import FakeApi

from replank.domain.errors import Refused, Transient
from replank.ports.access import ObjectRef

GUARDS, FIELDS = "hand-over/guards", "settle/field-ownership"


def guards_on(world: World, machine: str) -> int:
    names = world.management[f"Machine/{machine}"]["metadata"].get("annotations") or {}
    return len([name for name in names if name.endswith("/replank")])


def test_guards_go_and_come_back() -> None:
    world = World().adopted()
    step = world.step(GUARDS)
    machines = [m.machine for m in world.plan.machines]
    world.apply(step)
    assert [guards_on(world, name) for name in machines] == [0] * 5
    assert [world.planned_check(step, c).outcome for c in step.after if c.kind.startswith("cl")] == ["pass"]
    world.undo(step)
    assert [guards_on(world, name) for name in machines] == [2] * 5
    assert world.check("cluster-api.unguarded", machines=machines).outcome == "fail"
    assert world.check("cluster-api.guarded", machine=machines[0]).outcome == "pass"


def test_only_guards_that_were_there_come_back() -> None:
    world = World().adopted()
    ref = world.management.ref("Machine/plain-cp-1")
    gone = {"pre-drain.delete.hook.machine.cluster.x-k8s.io/replank": None}
    world.management.change(ref, {"metadata": {"annotations": gone}})
    step = world.step(GUARDS)
    world.apply(step)
    world.undo(step)
    assert guards_on(world, "plain-cp-1") == 1


def test_no_guard_goes_while_a_machine_is_being_deleted() -> None:
    world = World().adopted()
    step = world.step(GUARDS)
    world.apply(step)
    world.undo(step)
    ref = world.management.ref("Machine/plain-worker-2")
    world.management.objects[ref]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    with pytest.raises(Refused, match=r"RP861.*plain-worker-2"):
        world.apply(step)
    assert guards_on(world, "plain-cp-1") == 2


def test_guards_of_a_machine_that_is_gone_are_not_promised() -> None:
    world = World().adopted()
    step = world.step(GUARDS)
    world.apply(step)
    del world.management.objects[world.management.ref("Machine/plain-worker-2")]
    with pytest.raises(Refused, match="RP861"):
        world.undo(step)


def test_replank_stops_being_a_manager_and_no_field_goes() -> None:
    world = World().adopted()
    kept = {"manager": "manager", "operation": "Update"}
    for ref in list(world.management.objects):
        entries = world.management.objects[ref]["metadata"].get("managedFields")
        if ref.kind == "Machine" and entries:
            entries.append(kept)
    for secret in world.plan.secrets:
        meta = {"name": secret.name, "namespace": secret.namespace}
        entries = [{"manager": "replank", "operation": "Apply"}]
        document = {"apiVersion": "v1", "kind": "Secret", "metadata": {**meta, "managedFields": entries}}
        world.management.put(document)
    step = world.step(FIELDS)
    assert world.check("kubernetes.no-managed-fields", manager="replank").outcome == "fail"
    world.apply(step)
    assert [world.planned_check(step, check).outcome for check in step.after] == ["pass", "pass"]
    assert world.management["Machine/plain-cp-1"]["metadata"]["managedFields"] == [kept]
    assert world.management["Secret/plain-ca"]["metadata"]["managedFields"] == []
    before = len(world.management.writes)
    world.apply(step)
    assert len(world.management.writes) == before


def test_a_write_in_between_begins_the_object_again() -> None:
    world = World().adopted()
    busy = {"left": 3}
    api = world.management
    patch = api.json_patch

    async def in_between(ref: ObjectRef, operations: object) -> object:
        if busy["left"]:
            busy["left"] -= 1
            api.change(ref, {"status": {"seen": busy["left"]}})
        return await patch(ref, operations)  # type: ignore[arg-type]

    api.json_patch = in_between  # type: ignore[assignment,method-assign]
    _with_secrets(world)
    world.apply(world.step(FIELDS))
    assert busy["left"] == 0
    assert world.check("kubernetes.no-managed-fields", manager="replank").outcome == "pass"


def test_an_object_that_never_rests_is_tried_again_later() -> None:
    world = World().adopted()
    api = world.management
    patch = FakeApi.json_patch

    async def in_between(ref: ObjectRef, operations: object) -> object:
        api.change(ref, {"status": {"seen": True}})
        return await patch(api, ref, operations)  # type: ignore[arg-type]

    api.json_patch = in_between  # type: ignore[assignment,method-assign]
    with pytest.raises(Transient, match="RP866"):
        world.apply(world.step(FIELDS))


def test_an_object_that_is_gone_is_named() -> None:
    world = World().adopted()
    _with_secrets(world)
    del world.management.objects[world.management.ref("KubeadmConfig/plain-cp-2")]
    with pytest.raises(Refused, match=r"RP869.*plain-cp-2"):
        world.apply(world.step(FIELDS))
    verdict = world.check("kubernetes.no-managed-fields", manager="replank")
    assert (verdict.outcome, "plain-cp-2" in verdict.why) == ("fail", True)


def test_there_is_nothing_to_undo() -> None:
    world = World().adopted()
    before = len(world.management.writes)
    world.undo(world.step(FIELDS))
    assert len(world.management.writes) == before


def _with_secrets(world: World) -> None:
    for secret in world.plan.secrets:
        meta = {"name": secret.name, "namespace": secret.namespace}
        world.management.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta})
