"""Cluster API's objects are brought in line under simulated controllers: nothing is ever replaced."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from aligned_world import DOCKER, Document, World, on_docker, run_on

from replank.inventory.cluster_api.would_roll import would_roll
from replank.migrations.runtime_swap.steps import align
from replank.migrations.runtime_swap.steps.pause import OURS

PAUSED = "cluster.x-k8s.io/paused"
WRITES = ("management.json_patch", "management.merge", "management.create", "management.delete")


def pauses(world: World) -> list[str]:
    return [key for key, (_, notes) in world.picture().items() if PAUSED in notes]


def template_named(document: Document) -> str:
    spec = document["spec"].get("machineTemplate") or document["spec"]["template"]
    return str(spec["spec"]["infrastructureRef"]["name"])


@cache
def points(direction: str) -> tuple[str, ...]:
    """The calls of a run without faults."""
    world = World(bend=on_docker)
    assert world.walk("apply") == "done"
    if direction == "undo":
        assert world.walk("undo") == "undone"
    return tuple(world.chaos.points)


def chosen(direction: str) -> list[int]:
    """Every write, and of the other calls and the journal's lines every ninth."""
    names = points(direction)
    return [i for i, name in enumerate(names) if name.startswith(WRITES) or i % 9 == 0]


@pytest.mark.parametrize("shape", ["1+1", "3+2"])
@pytest.mark.parametrize("bend", [None, on_docker], ids=["containerd", "docker"])
def test_all_is_brought_in_line_and_taken_back_and_no_machine_notices(shape: str, bend: Any) -> None:
    world = World(shape=shape, bend=bend)
    assert world.walk("apply") == "done", world.trace[-20:]
    world.rest()
    assert (world.broken, pauses(world)) == ([], [])
    assert would_roll(world.objects(), world.loop.time()) == ()
    made = {template.name for template in world.plan.cluster_api.templates}  # type: ignore[union-attr]
    for kind in ("KubeadmControlPlane", "MachineDeployment", "MachineSet"):
        assert {template_named(d) for d in world.documents(kind).values()} <= made
    assert DOCKER not in str(world.picture())
    assert world.walk("undo") == "undone", world.trace[-20:]
    world.rest()
    assert (world.broken, world.picture()) == ([], world.before)


def test_a_machine_that_is_made_afterwards_comes_from_the_new_template() -> None:
    world = World(bend=on_docker)
    assert world.walk("apply") == "done"
    (deployment,) = world.documents("MachineDeployment").values()
    grown = {**deployment, "spec": {**deployment["spec"], "replicas": 2}}
    world.broken.clear()

    async def grow() -> None:
        world.world.management.put(grown, "somebody")

    run_on(world.loop, grow())
    world.rest()
    machines = world.documents("OpenStackMachine")
    new = [m for key, m in machines.items() if f"OpenStackMachine/{key}" not in world.before]
    assert len(new) == 1
    notes = new[0]["metadata"]["annotations"]
    assert notes["cluster.x-k8s.io/cloned-from-name"] == template_named(grown)
    assert new[0]["spec"]["image"] == {"id": "11111111-2222-4333-8444-555555555555"}


@pytest.mark.parametrize("fault", ["death-before", "death-after"])
def test_killed_at_any_point_it_goes_on_and_nothing_is_replaced(fault: str) -> None:
    for point in chosen("apply"):
        world = World(bend=on_docker, seed=point)
        assert world.walk("apply", {point: fault}) == "done", (point, world.trace[-20:])
        world.rest()
        assert (world.broken, pauses(world)) == ([], []), (point, points("apply")[point])
        assert DOCKER not in str(world.picture())


@pytest.mark.parametrize("fault", ["death-before", "death-after"])
def test_killed_at_any_point_and_undone_all_is_as_it_was(fault: str) -> None:
    for point in chosen("apply"):
        world = World(bend=on_docker, seed=point)
        world.walk("apply", {point: fault}, lives=1)
        world.rest()
        assert world.broken == [], (point, points("apply")[point])
        assert world.walk("undo") == "undone", (point, world.trace[-20:])
        world.rest()
        assert (world.broken, world.picture()) == ([], world.before), (point, points("apply")[point])


@pytest.mark.parametrize("fault", ["death-before", "death-after"])
def test_killed_in_the_undo_at_any_point_it_goes_on(fault: str) -> None:
    for point in chosen("undo"):
        world = World(bend=on_docker, seed=point)
        assert world.walk("apply") == "done"
        assert world.walk("undo", {point: fault}) == "undone", (point, world.trace[-20:])
        world.rest()
        assert (world.broken, world.picture()) == ([], world.before), (point, points("undo")[point])


@pytest.mark.parametrize("seed", range(12))
def test_whatever_fails_nothing_is_replaced(seed: int) -> None:
    world = World(bend=on_docker, seed=seed, shape="3+2" if seed % 4 == 0 else "1+1")
    world.chaos.rate = 0.05
    status = world.walk("apply", lives=30)
    world.chaos.rate = 0.0
    if status != "done":
        assert world.walk("apply", lives=30) == "done", world.trace[-20:]
    world.rest()
    assert (world.broken, pauses(world)) == ([], [])


def test_without_the_pause_the_controllers_would_have_replaced_machines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The harm is there to be seen: only the pause keeps it away."""

    async def nothing(*_: object) -> list[str]:
        return []

    for name in ("pause", "until_seen", "resume"):
        monkeypatch.setattr(align, name, nothing)
    broken = []
    for seed in range(6):  # who is quicker is chance
        world = World(bend=on_docker, seed=seed)
        world.walk("apply", lives=1)
        world.rest()
        broken += world.broken
    assert any("Machine" in what for what in broken)


def test_what_somebody_else_has_changed_is_found_before_the_first_write() -> None:
    world = World(bend=on_docker)
    found = next(d for d in world.world.management.documents.values() if d["kind"] == "KubeadmConfigTemplate")
    node = found["spec"]["template"]["spec"]["joinConfiguration"]["nodeRegistration"]
    node["criSocket"] = "unix:///another.sock"
    changed = world.picture()
    assert world.walk("apply") == "refused"
    assert (world.broken, world.refusal(), pauses(world)) == ([], "RP971", [])
    for key in ("KubeadmConfigTemplate/one-worker", "MachineDeployment/one-worker"):
        assert world.picture()[key] == changed[key]


def test_a_plan_that_leaves_out_a_configuration_is_refused_before_the_first_write() -> None:
    """Judged as it would be: KubeadmControlPlane alone changed is a rollout."""
    from dataclasses import replace

    world = World(bend=on_docker)
    part = world.plan.cluster_api
    assert part is not None
    first, *rest = part.alignments
    without = tuple(e for e in first.edits if not e.object.startswith("KubeadmConfig/"))
    bent = replace(part, alignments=(replace(first, edits=without), *rest))
    world.plan = replace(world.plan, cluster_api=bent)
    assert world.walk("apply") == "refused"
    assert world.refusal() == "RP972"
    world.rest()
    assert (world.broken, pauses(world)) == ([], [])


def test_what_somebody_else_has_paused_stays_paused() -> None:
    world = World(bend=on_docker)
    plane = next(d for d in world.world.management.documents.values() if d["kind"] == "KubeadmControlPlane")
    plane["metadata"].setdefault("annotations", {})[PAUSED] = "by hand"
    assert world.walk("apply") == "done"
    world.rest()
    assert world.broken == []
    (now,) = world.documents("KubeadmControlPlane").values()
    assert now["metadata"]["annotations"][PAUSED] == "by hand" != OURS
