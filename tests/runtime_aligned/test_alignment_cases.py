"""What is changed of Cluster API's objects, and what is told: facts in, edits and findings out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.unknown import Unknown
from replank.inventory.cluster_api.controlled import NO_MANAGEMENT, ClusterApiFacts
from replank.inventory.facts.openstack import Image, OpenStackFacts
from replank.inventory.facts.snapshot import Infrastructure, Snapshot
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.inventory.runtime.versions import Version
from replank.migrations.runtime_swap.cluster_api.alignment import Decided, decide
from replank.migrations.runtime_swap.planner import plan_runtime_swap
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.plan import codec
from replank.plan.runtime_swap import PlannedEdit, RuntimeSwapPlan
from yaml_files import read_yaml_file

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
FACTS = TypeAdapter(ClusterApiFacts)


def read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = read_yaml_file(path)
    assert set(data) <= {"says", "image", "images", "facts", "expect"}
    assert set(data["expect"]) == {"templates", "edits", "findings"}
    return data


def seen(facts: Any, images: Any = None) -> Snapshot:
    """The healthy cluster with these objects of Cluster API. `images` None: the project was not seen."""
    snapshot = snapshot_of(healthy_on_docker())
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    cloud = snapshot.infrastructure.openstack
    assert isinstance(cloud, OpenStackFacts)
    listed = tuple(Image(**image) for image in images) if images is not None else Unknown("not seen")
    return replace(
        snapshot,
        infrastructure=Infrastructure(openstack=replace(cloud, images=listed)),
        runtimes=replace(snapshot.runtimes, cluster_api=facts),
    )


def settings(image: str = "") -> RuntimeSwapSettings:
    return RuntimeSwapSettings(to=Version(2, 3, 5), bundle=(), image=image)


def decided(path: Path) -> Decided:
    data = read(path)
    facts = FACTS.validate_python(data["facts"], strict=False)
    return decide(seen(facts, data.get("images")), settings(data.get("image", "")))


def told(edit: PlannedEdit, made: set[str]) -> str:
    where = f"{edit.object} {edit.at} {edit.argument}".rstrip()
    return f"{where}: {edit.was} -> {'NEW' if edit.becomes in made else edit.becomes}"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_facts_give_what_is_changed_and_told(path: Path) -> None:
    expect, found = read(path)["expect"], decided(path)
    assert found.part is not None
    made = {template.name for template in found.part.templates}
    assert [template.like for template in found.part.templates] == expect["templates"]
    assert [told(edit, made) for a in found.part.alignments for edit in a.edits] == expect["edits"]
    findings = [f"{f.code} {f.severity} {f.subject}" for f in found.findings]
    assert sorted(findings) == sorted(expect["findings"]), read(path)["says"]
    assert all(f.evidence and f.remedy for f in found.findings)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_object_is_changed_twice_and_who_compares_is_written_last(path: Path) -> None:
    found = decided(path)
    assert found.part is not None
    groups = [{edit.object for edit in a.edits} for a in found.part.alignments]
    assert sum(map(len, groups)) == len(set().union(*groups) if groups else set())
    for alignment in found.part.alignments:
        assert alignment.keeper in alignment.pauses
        if alignment.keeper.startswith("KubeadmControlPlane"):
            assert alignment.edits[-1].object == alignment.keeper


def test_a_name_that_an_earlier_swap_made_does_not_grow() -> None:
    path = next(path for path in CASES if path.stem == "an-image-by-its-name")
    data = read(path)
    for _ in range(3):
        facts = FACTS.validate_python(data["facts"])
        found = decide(seen(facts, data["images"]), settings(data["image"]))
        assert found.part is not None
        names = {t.like: t.name for t in found.part.templates}
        data["facts"]["templates"] = [
            {"kind": "OpenStackMachineTemplate", "name": name, "image_id": "old"} for name in names.values()
        ]
        for keeper in data["facts"]["keepers"]:
            old = keeper["infrastructure"].partition("/")[2]
            keeper["infrastructure"] = f"OpenStackMachineTemplate/{names[old]}"
        data["images"][0]["id"] = data["images"][0]["id"][::-1]
        assert all(name.count("containerd") == 1 and len(name) < 80 for name in names.values())


@pytest.mark.parametrize("facts", [None, NO_MANAGEMENT, Unknown("no answer", "RP053")])
def test_without_objects_of_cluster_api_there_is_no_part_and_an_image_is_told_to_be_of_no_use(
    facts: Any,
) -> None:
    assert decide(seen(facts), settings()) == Decided(part=None)
    assert [f.code for f in decide(seen(facts), settings("x")).findings] == ["RP438"]


def planned(image: str) -> RuntimeSwapPlan:
    path = next(path for path in CASES if path.stem == "an-image-by-its-name")
    data = read(path)
    facts = FACTS.validate_python(data["facts"])
    return plan_runtime_swap(seen(facts, data["images"]), settings(image), ())


def test_objects_are_brought_in_line_after_the_last_swap_and_before_any_commit() -> None:
    plan = planned("containerd-2")
    names = [stage.name for stage in plan.stages]
    assert names.index("align") > max(i for i, name in enumerate(names) if name.startswith("swap-"))
    assert names[-2:] == ["align", "commit"]
    kinds = [step.kind for step in plan.stages[-2].steps]
    assert kinds == ["runtime.make-template"] * 2 + ["runtime.align"] * 2


def test_no_node_is_touched_while_machines_are_replaced() -> None:
    plan = planned("")
    assert "align" not in {stage.name for stage in plan.stages}
    for step in (step for stage in plan.stages for step in stage.steps):
        if step.kind in ("runtime.drain", "runtime.swap"):
            assert "controlled.at-rest" in {check.kind for check in step.before}


def test_a_plan_with_it_is_read_back_exactly_and_one_without_keeps_its_hash() -> None:
    plan = planned("containerd-2")
    assert codec.load(codec.dump(plan).encode(), where="plan") == plan
    without = replace(plan, cluster_api=None)
    assert "cluster_api" not in codec.to_dict(without)
    assert codec.load(codec.dump(without).encode(), where="plan") == without
