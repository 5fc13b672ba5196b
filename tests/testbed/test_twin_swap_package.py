"""A runtime swap of a twin cluster with programs that the nodes fetch by themselves, as a package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from living_nodes import CONTROL_PLANE, NEW, OLD, WORKER, Living, living
from test_twin_swap import replank

from replank.plan import codec
from replank.testbed.node.bundle import stand_in_deb

WANTED = "containerd.io=2.3.5-1~ubuntu.24.04~noble"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Living]:
    with living(tmp_path) as made:
        for node in made.nodes.values():
            node.machine.debs[WANTED] = stand_in_deb("2.3.5")
        yield made


def planned(site: Living, package: str = WANTED) -> int:
    assert replank("survey", "--runtime", *site.where) == 0
    new = ["--to", "containerd-2.3.5", "--package", package]
    return replank("plan", "runtime", *new, *site.where, "--out", site.folder)


def programs(site: Living, node: str) -> list[str]:
    return sorted(p.name for p in site.nodes[node].world.path("opt/replank").glob("containerd-*/*"))


def test_nodes_fetch_the_package_swap_and_go_back_and_nothing_of_it_is_left(
    site: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    """First one of them has no network: the run stops with words, and goes on when it has one."""
    before = site.containers()
    held = {name: (node.machine.packages, node.machine.held) for name, node in site.nodes.items()}
    assert planned(site) == 0
    site.nodes[WORKER].world.offline = True
    fleet = ["--fleet", site.folder / "fleet.yaml", "--reports", site.folder / "reports"]
    assert replank("apply", site.folder / "small.runtime.yaml", "--yes", *fleet) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "RP491" in told
    assert f"apt cannot fetch {WANTED}" in told
    assert programs(site, WORKER) == []
    site.nodes[WORKER].world.offline = False
    assert replank("resume", "small", *fleet) == 0
    assert site.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
    assert site.containers() == before
    assert programs(site, WORKER) == ["containerd", "containerd-shim-runc-v2", "ctr"]
    assert replank("undo", "small", "--yes", *fleet) == 0
    assert site.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
    assert site.containers() == before
    assert programs(site, WORKER) == programs(site, CONTROL_PLANE) == []
    assert {n: (node.machine.packages, node.machine.held) for n, node in site.nodes.items()} == held
    assert site.twin.ssh.strange_commands == []


def test_a_version_that_the_nodes_do_not_offer_is_planned_but_not_ready(
    site: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(site, "containerd.io=2.3.5-2") == 2
    assert "RP400" in capsys.readouterr().err
    plan = codec.load((site.folder / "small.runtime.yaml").read_bytes(), where="plan")
    evidence = [f.evidence for f in plan.findings if f.code == "RP400"]
    assert len(evidence) == 2
    assert all(WANTED in words for (words,) in evidence)
