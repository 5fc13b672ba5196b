"""A plan whose programs come out of a package: what each node fetches, and what stops it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from test_swap_plan import SETTINGS, blockers, on_containerd, planned, with_first

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import Package
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.inventory.runtime.facts import OfferedPackage
from replank.inventory.runtime.runtimes import RuntimeFacts
from replank.migrations.runtime_swap.steps.node_part import parcels
from replank.plan import codec
from replank.plan.drift import drift
from replank.plan.runtime_swap import PlannedArchive, PlannedPackage, RuntimeSwapPlan

WANTED = PlannedPackage(name="containerd.io", version="2.3.5-1~debian.12~bookworm")
BY_PACKAGE = replace(SETTINGS, bundle=(), package=WANTED)


def offer(version: str = WANTED.version, digit: str = "a", name: str = WANTED.name) -> OfferedPackage:
    return OfferedPackage(
        name=name, version=version, architecture="amd64", sha256=digit * 64, bytes=30_000_000
    )


OFFERED = (offer("2.3.4-1~debian.12~bookworm", "c"), offer(), offer("1.6.20~ds1-1", "b", "containerd"))


def on_docker(offered: tuple[OfferedPackage, ...]) -> Snapshot:
    snapshot = snapshot_of(healthy_on_docker())
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    nodes = tuple(replace(node, offered=offered) for node in snapshot.runtimes.nodes)
    return replace(snapshot, runtimes=replace(snapshot.runtimes, nodes=nodes))


def told(plan: RuntimeSwapPlan) -> str:
    """The evidence and remedy of the one blocker."""
    (finding,) = [f for f in plan.findings if f.severity == "blocker"]
    assert finding.code == "RP400"
    return " | ".join((finding.subject, *finding.evidence, finding.remedy))


@pytest.mark.parametrize(
    ("snapshot", "optional"), [(on_containerd(offered=OFFERED), []), (on_docker(OFFERED), ["runc"])]
)
def test_every_node_is_told_the_version_and_the_hash_that_its_own_index_names(
    snapshot: Snapshot, optional: list[str]
) -> None:
    plan = planned(with_first(snapshot, offered=(offer(digit="d"),)), BY_PACKAGE)
    assert "RP400" not in blockers(plan)
    assert (plan.bundle, plan.package) == ((), WANTED)
    packages: list[Any] = [node.instructions["package"] for node in plan.nodes]
    assert {package["sha256"] for package in packages} == {"a" * 64, "d" * 64}
    for node, package in zip(plan.nodes, packages, strict=True):
        containerd: Any = node.instructions["containerd"]
        assert (package["name"], package["version"]) == (WANTED.name, WANTED.version)
        assert (package["programs"], package["optional"]) == (list(BUNDLE), optional)
        assert package["sha256"][:12] in package["folder"]
        assert containerd["daemon"] == f"{package['folder']}/containerd"
        assert node.instructions["binaries"] == []
        assert node.instructions["tools"] == {"ctr": f"{package['folder']}/ctr"}
        sent = [parcel.path.rpartition("/")[2] for parcel in parcels(plan, node)]
        assert sent == ["swap_node.py", "plan.json"], "no program comes from here"


def test_plan_and_steps_say_where_the_programs_come_from() -> None:
    plan = planned(on_containerd(offered=OFFERED), BY_PACKAGE)
    assert all(f"its apt fetches {WANTED}, and does not install it" in s.says for s in plan.stages[0].steps)
    text = codec.dump(plan)
    assert "package:\n  name: containerd.io\n  version: 2.3.5-1~debian.12~bookworm\n" in text
    assert codec.load(text.encode(), where="plan") == plan
    archive = PlannedArchive(
        source="https://example.org/containerd-2.3.5-linux-amd64.tar.gz", sha256="e" * 64
    )
    plan = planned(on_containerd(), replace(SETTINGS, archive=archive))
    assert all(
        step.says.endswith(f"the programs come from {archive.source}") for step in plan.stages[0].steps
    )
    assert codec.load(codec.dump(plan).encode(), where="plan") == plan


def test_a_plan_with_a_folder_is_as_it_was_before_there_were_packages() -> None:
    plan = planned(on_containerd(offered=OFFERED))
    assert {"package", "archive"}.isdisjoint(codec.to_dict(plan))
    assert all("package" not in node.instructions for node in plan.nodes)


def test_a_version_that_is_not_offered_stops_the_plan_and_names_what_is() -> None:
    held = (Package(name="containerd.io", version="1.7.29-1", held=True),)
    plan = planned(with_first(on_containerd(offered=OFFERED), offered=OFFERED[:1], packages=held), BY_PACKAGE)
    assert not plan.ready
    words = told(plan)
    assert f"apt does not offer {WANTED}" in words
    assert "containerd.io=2.3.4-1~debian.12~bookworm" in words
    assert "containerd.io 1.7.29-1 is installed and held" in words
    assert "--bundle" in words


@pytest.mark.parametrize(
    ("offered", "says"),
    [
        (None, "it has no apt | Plan with --bundle"),
        ((), "it offers no containerd at all"),
        ((offer(digit="a"), offer(digit="b")), "more than once, with different content"),
        ((replace(offer(), sha256=""),), "names no SHA-256"),
        (Unknown("sudo refused it", "RP066"), "sudo refused it"),
    ],
)
def test_what_a_node_cannot_fetch_for_sure_stops_the_plan(offered: Any, says: str) -> None:
    plan = planned(with_first(on_containerd(offered=OFFERED), offered=offered), BY_PACKAGE)
    assert not plan.ready
    assert says in told(plan)
    assert planned(with_first(on_containerd(), offered=offered)).ready, "a bundle asks nothing of apt"


def test_a_held_package_is_no_hindrance() -> None:
    """Nothing is installed, so that the hold is not even asked."""
    held = (Package(name="containerd.io", version="1.7.29-1", held=True),)
    assert planned(on_containerd(offered=OFFERED, packages=held), BY_PACKAGE).ready


def test_another_deb_under_the_same_version_is_drift_and_a_newer_version_beside_it_is_not() -> None:
    plan = planned(on_containerd(offered=OFFERED), BY_PACKAGE)
    newer = planned(on_containerd(offered=(*OFFERED, offer("2.3.6-1", "f"))), BY_PACKAGE)
    assert drift(plan, newer) == ()
    other = planned(on_containerd(offered=(offer(digit="f"),)), BY_PACKAGE)
    assert drift(plan, other)
