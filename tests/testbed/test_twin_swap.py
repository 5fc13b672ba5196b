"""A runtime swap of a twin cluster by replank's commands: the nodes' own part does it, and takes it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from living_nodes import CONTROL_PLANE, NEW, OLD, WORKER, Living, living

from replank.app.cli import main
from replank.inventory.facts import codec
from replank.inventory.runtime.runtimes import RuntimeFacts


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Living]:
    with living(tmp_path) as made:
        yield made


def replank(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def apply(site: Living) -> int:
    """Survey, plan, apply; the status of the last."""
    assert replank("survey", "--runtime", *site.where) == 0
    new = ["--to", "containerd-2.3.5", "--bundle", site.bundle]
    assert replank("plan", "runtime", *new, *site.where, "--out", site.folder) == 0
    fleet = ["--fleet", site.folder / "fleet.yaml", "--reports", site.folder / "reports"]
    return replank("apply", site.folder / "small.runtime.yaml", "--yes", *fleet)


def snapshot(site: Living) -> RuntimeFacts:
    """The runtimes, surveyed now."""
    assert replank("survey", "--runtime", *site.where) == 0
    path = sorted((site.folder / "s" / "small").iterdir())[-1]
    found = codec.load(path.read_bytes(), where=str(path)).runtimes
    assert isinstance(found, RuntimeFacts)
    return found


def test_every_node_gets_the_new_runtime_and_the_old_one_back_and_no_container_notices(site: Living) -> None:
    before, first = site.containers(), snapshot(site)
    assert apply(site) == 0
    assert site.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
    assert site.containers() == before
    seen = {node.node: node for node in snapshot(site).nodes}
    assert {node.version for node in seen.values()} == {"2.3.5"}
    shim = seen[WORKER].daemon.shim  # type: ignore[union-attr]
    assert shim.path.startswith("/opt/replank/shim-1.7.29"), "until commit new pods get the old shim"
    (report,) = (site.folder / "reports").glob("*.json")
    told = json.loads(report.read_text())
    assert (told["current_step"], told["refusals"], told["holds"]) == ("", [], [])
    fleet = ["--fleet", site.folder / "fleet.yaml", "--reports", site.folder / "back"]
    assert replank("undo", "small", "--yes", *fleet) == 0
    assert site.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
    assert site.containers() == before
    assert snapshot(site) == first
    assert site.twin.ssh.strange_commands == []


def test_a_node_whose_new_containerd_does_not_start_goes_back_by_itself(
    site: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    before = site.containers()
    site.nodes[WORKER].world.broken = ["containerd 2.3.5"]
    assert apply(site) == 1
    assert "RP495" in capsys.readouterr().err
    assert site.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
    assert site.containers() == before
    site.nodes[WORKER].world.broken = []
    fleet = ["--fleet", site.folder / "fleet.yaml", "--reports", site.folder / "reports"]
    assert replank("resume", "small", *fleet) == 0
    assert site.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
    assert site.containers() == before


def test_a_container_that_dies_in_the_swap_turns_its_node_back(site: Living) -> None:
    world = site.nodes[WORKER].world

    def hook(point: str) -> None:
        if point == "after systemctl restart containerd.service" and world.daemon == "2.3.5":
            next(c for c in world.cri if c["type"] == "container")["up"] = False

    world.hook = hook
    assert apply(site) == 1
    assert site.runtimes()[WORKER] == OLD
    assert sum(site.containers().values()) == 1, "the kubelet has started it again"
