"""`plan runtime --measure` over the wire: figures of both sides, and nothing left in the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from living_nodes import CONTROL_PLANE, NEW, OLD, WORKER, Living, living

from replank.app.cli import main
from replank.plan.runtime_swap import MEASURED_IN
from replank.testbed.node.machine import Node


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Living]:
    with living(tmp_path) as made:
        for node in made.nodes.values():
            run_daemon(node)
        made.twin.api("small").controllers.append(lambda: tell_of_starts(made))
        yield made


def run_daemon(node: Node) -> None:
    """A containerd that uses 64 MiB."""
    world = node.world
    for folder in ("proc/self/ns", "proc/100/ns"):
        world.path(folder).mkdir(parents=True)
        (world.path(folder) / "pid").symlink_to("pid:[4026531836]")
    world.path("proc/100/exe").symlink_to("/usr/bin/containerd")
    world.write("proc/100/stat", f"100 (containerd) S {'0 ' * 49}")
    world.write("proc/100/smaps_rollup", f"Pss: {64 << 10} kB\n")


def tell_of_starts(site: Living) -> None:
    """What the namespace's controller and the kubelets would have written by now."""
    objects = site.twin.api("small").objects
    if objects.get("", "Namespace", "", MEASURED_IN) is None:
        return
    wanted = [named("ServiceAccount", "default")]
    for pod in [p for p in objects.all("Pod") if p["metadata"]["namespace"] == MEASURED_IN]:
        about = {"kind": "Pod", "uid": pod["metadata"]["uid"]}
        event = named("Event", f"started.{about['uid']}")
        wanted.append({**event, "involvedObject": about, "reason": "Started"})
    for each in wanted:
        if objects.get("", each["kind"], MEASURED_IN, each["metadata"]["name"]) is None:
            objects.create(each, "controller")


def named(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": MEASURED_IN}}


def replank(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def left(site: Living) -> list[str]:
    objects = site.twin.api("small").objects
    kinds = ("Pod", "Namespace")
    names = [(o["metadata"]["name"], o["metadata"].get("namespace")) for k in kinds for o in objects.all(k)]
    return [str(name) for name in names if MEASURED_IN in name]


def test_a_swap_that_measures_tells_both_sides_in_terminal_page_and_json(
    site: Living, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replank("survey", "--runtime", *site.where) == 0
    new = ["--to", "containerd-2.3.5", "--bundle", site.bundle, "--measure"]
    assert replank("plan", "runtime", *new, *site.where, "--out", site.folder) == 0
    where = ["--fleet", site.folder / "fleet.yaml"]
    reports = ["--reports", site.folder / "reports"]
    assert replank("apply", site.folder / "small.runtime.yaml", "--yes", *where, *reports) == 0
    assert site.runtimes() == {WORKER: NEW, CONTROL_PLANE: NEW}
    assert left(site) == []
    (written,) = (site.folder / "reports").glob("*.json")
    told = {node["node"]: node for node in json.loads(written.read_text())["performance"]}
    assert set(told) == {WORKER, CONTROL_PLANE}
    for node in told.values():
        assert (node["runtime_before"], node["runtime_after"]) == (OLD, NEW)
        assert (node["not_measured"], node["left"]) == ([], [])
        figures = {figure["what"]: figure for figure in node["figures"]}
        assert set(figures) == {"pod start", "memory", "CPU"}
        assert (figures["memory"]["before"], figures["memory"]["change"]) == (64.0, 0.0)
    capsys.readouterr()
    assert replank("report", "small", *where, *reports) == 0
    shown = capsys.readouterr().out
    assert WORKER in shown
    assert "64.0 -> 64.0 (0 %)" in " ".join(shown.split())
    assert replank("undo", "small", "--yes", *where, "--reports", site.folder / "back") == 0
    assert site.runtimes() == {WORKER: OLD, CONTROL_PLANE: OLD}
    assert left(site) == []
    assert site.twin.ssh.strange_commands == []
