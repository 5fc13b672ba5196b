"""The plan of a runtime swap: who comes first, what stops it, what is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from runtime_cases import node_of

from facts_loader import healthy_on_docker, snapshot_of
from replank.domain.unknown import Unknown
from replank.inventory.facts.kubernetes import KubernetesFacts
from replank.inventory.facts.snapshot import Snapshot
from replank.inventory.runtime.facts import ContainerdDaemon, RuntimeFile
from replank.inventory.runtime.runtimes import NOT_ASKED, RuntimeFacts
from replank.inventory.runtime.versions import Version
from replank.migrations.runtime_swap.node import swap_node
from replank.migrations.runtime_swap.node.settings import settings_of
from replank.migrations.runtime_swap.planner import plan_runtime_swap
from replank.migrations.runtime_swap.settings import RuntimeSwapSettings
from replank.migrations.runtime_swap.steps.registry import runtime_swap_registry
from replank.plan import codec
from replank.plan.compare import compare
from replank.plan.drift import drift
from replank.plan.runtime_swap import BundleFile, RuntimeSwapPlan, ShipFirst

BUNDLE = tuple(
    BundleFile(name=name, source=f"/bundle/{name}", sha256=digit * 64)
    for name, digit in (("containerd", "1"), ("containerd-shim-runc-v2", "2"), ("ctr", "3"))
)
SETTINGS = RuntimeSwapSettings(to=Version(2, 3, 5), bundle=BUNDLE)
DAEMON = ContainerdDaemon(
    unit="containerd.service",
    program="/usr/bin/containerd",
    config="/etc/containerd/config.toml",
    arguments=(),
    shim=RuntimeFile(path="/usr/bin/containerd-shim-runc-v2", sha256="4" * 64),
    path=("/usr/bin",),
    kill_mode="process",
)


CONFIG = """\
version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
    SystemdCgroup = true
"""


def names(snapshot: Snapshot) -> list[str]:
    assert isinstance(snapshot.kubernetes, KubernetesFacts)
    assert not isinstance(snapshot.kubernetes.nodes, Unknown)
    return [node.name for node in snapshot.kubernetes.nodes]


def on_containerd(**changes: Any) -> Snapshot:
    """The healthy cluster with containerd 1.7 on every Node."""
    snapshot = snapshot_of(healthy_on_docker())
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    plain = replace(node_of("containerd", {"toml": {DAEMON.config: CONFIG}}), daemon=DAEMON, **changes)
    nodes = tuple(replace(plain, node=name) for name in names(snapshot))
    return replace(snapshot, runtimes=replace(snapshot.runtimes, nodes=nodes))


def with_first(snapshot: Snapshot, **changes: Any) -> Snapshot:
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    first, *rest = snapshot.runtimes.nodes
    return replace(snapshot, runtimes=replace(snapshot.runtimes, nodes=(replace(first, **changes), *rest)))


def planned(snapshot: Snapshot, settings: RuntimeSwapSettings = SETTINGS) -> RuntimeSwapPlan:
    return plan_runtime_swap(snapshot, settings, ())


def blockers(plan: RuntimeSwapPlan) -> set[str]:
    return {finding.code for finding in plan.findings if finding.severity == "blocker"}


def test_workers_come_first_then_control_planes_one_node_after_another() -> None:
    plan = planned(on_containerd())
    assert plan.ready, blockers(plan)
    roles = [node.role for node in plan.nodes]
    assert roles == sorted(roles, reverse=True)
    assert {"worker", "control-plane"} == set(roles)
    swaps = [stage for stage in plan.stages if stage.name.startswith("swap-")]
    assert [stage.steps[-1].params["node"] for stage in swaps] == [node.node for node in plan.nodes]
    for stage in swaps:
        assert len({step.params["node"] for step in stage.steps}) == 1, "one node a stage"


def test_a_control_plane_is_touched_only_after_an_etcd_snapshot_and_with_etcd_healthy() -> None:
    plan = planned(on_containerd())
    control = {node.node for node in plan.nodes if node.role == "control-plane"}
    for stage in plan.stages:
        for number, step in enumerate(stage.steps):
            if step.kind == "runtime.swap" and step.params["node"] in control:
                assert stage.steps[number - 1].kind == "runtime.etcd-snapshot"
                assert "etcd.healthy" in {check.kind for check in step.before}
                assert "etcd.healthy" in {check.kind for check in step.after}


def test_only_commit_has_no_way_back_and_nobody_commits_without_asking_for_it() -> None:
    plan = planned(on_containerd())
    last = plan.stages[-1]
    assert last.name == "commit"
    assert last.on_request
    assert {p.step for p in plan.points_of_no_return} == {step.id for step in last.steps}


def test_docker_is_emptied_before_it_is_switched_off_and_opened_afterwards() -> None:
    plan = planned(snapshot_of(healthy_on_docker()))
    assert {node.strategy for node in plan.nodes} == {"switch"}
    for stage in plan.stages:
        if stage.name.startswith("swap-"):
            kinds = [step.kind for step in stage.steps if step.kind != "runtime.etcd-snapshot"]
            assert kinds == ["runtime.drain", "runtime.swap", "runtime.open"]


def test_where_nothing_is_drained_the_plan_says_so() -> None:
    plan = planned(snapshot_of(healthy_on_docker()), replace(SETTINGS, drain=False))
    kinds = {step.kind for stage in plan.stages for step in stage.steps}
    assert kinds.isdisjoint({"runtime.drain", "runtime.open"})
    assert plan.settings["drain"] is False


def test_a_node_that_is_there_already_is_left_alone() -> None:
    snapshot = with_first(on_containerd(), version="2.3.5")
    assert len(planned(snapshot).nodes) == len(names(snapshot)) - 1
    done = planned(on_containerd(version="2.3.5"))
    assert (done.nodes, done.stages, done.ready) == ((), (), False)
    assert blockers(done) == set()


def test_a_hop_that_upstream_does_not_support_stops_it_and_asked_for_is_named() -> None:
    snapshot = with_first(on_containerd(), version="1.6.20")
    plan = planned(snapshot)
    assert not plan.ready
    (finding,) = [f for f in plan.findings if f.code == "RP416"]
    assert "2.0 -> 2.3" in finding.remedy
    asked = planned(snapshot, replace(SETTINGS, unsupported=True))
    assert asked.unsupported == ("1.6.20 -> 2.3.5",)
    assert "RP416" not in blockers(asked)


@pytest.mark.parametrize("field", ["name", "version", "kubelet_version", "kubelet", "daemon", "containerd"])
def test_what_was_not_seen_stops_it(field: str) -> None:
    plan = planned(with_first(on_containerd(), **{field: Unknown("the machine did not answer", "RP080")}))
    assert not plan.ready
    assert blockers(plan)


def test_a_node_that_the_survey_of_runtimes_left_out_stops_it() -> None:
    snapshot = on_containerd()
    assert isinstance(snapshot.runtimes, RuntimeFacts)
    plan = planned(replace(snapshot, runtimes=replace(snapshot.runtimes, nodes=snapshot.runtimes.nodes[1:])))
    assert not plan.ready
    (finding,) = plan.findings
    assert (finding.code, finding.subject) == ("RP417", f"node {snapshot.runtimes.nodes[0].node}")


def test_what_a_node_is_told_is_named_by_all_of_it() -> None:
    """Another deadline is another order: a node staged with the one does not start with the other."""
    soon, late = (planned(on_containerd(), replace(SETTINGS, deadline_seconds=s)) for s in (600, 1200))
    assert [n.instructions["deadline_seconds"] for n in soon.nodes] == [600] * len(soon.nodes)
    assert not {n.instructions["id"] for n in soon.nodes} & {n.instructions["id"] for n in late.nodes}


def test_without_a_survey_of_runtimes_nothing_is_planned() -> None:
    plan = planned(replace(on_containerd(), runtimes=NOT_ASKED))
    assert (plan.ready, plan.nodes) == (False, ())
    assert blockers(plan) == {"RP417"}


def test_nodes_alike_are_told_once_and_every_node_has_its_own_instructions() -> None:
    plan = planned(on_containerd())
    first, *rest = plan.nodes
    assert first.settings
    assert all(node.settings_of == first.node and not node.settings for node in rest)
    assert len({str(node.instructions["id"]) for node in plan.nodes}) == len(plan.nodes)
    assert all(node.instructions["node"] == node.node for node in plan.nodes)


def test_the_same_snapshot_gives_the_same_file_which_is_read_back_exactly() -> None:
    plan = planned(on_containerd())
    text = codec.dump(plan)
    assert codec.dump(planned(on_containerd())) == text
    assert codec.load(text.encode(), where="plan") == plan
    assert compare(plan, plan) == ()
    assert drift(plan, replace(plan, snapshot_sha256="0" * 64)) == ()


def test_what_need_not_be_shipped_any_more_is_no_drift() -> None:
    plan = planned(on_containerd())
    shipped = ShipFirst(what="DaemonSet logs/agent", why="reads Docker alone", todo="Ship it.", code="RP420")
    assert drift(replace(plan, ship_first=(shipped,)), plan) == ()


def test_another_version_on_a_node_is_drift() -> None:
    plan = planned(on_containerd())
    now = planned(with_first(on_containerd(), version="1.7.30"))
    assert any(change.area == "Nodes" for change in drift(plan, now))


def test_every_kind_of_step_and_check_has_code() -> None:
    registry = runtime_swap_registry()
    for snapshot in (on_containerd(), snapshot_of(healthy_on_docker())):
        for stage in planned(snapshot).stages:
            for step in stage.steps:
                assert step.kind in registry.steps
                assert {check.kind for check in (*step.before, *step.after)} <= set(registry.checks)


def test_what_a_node_is_told_is_what_its_files_say() -> None:
    """The settings that the node must see in force are those of the file that the plan writes, as the part on
    the node reads them."""
    (node, *_) = planned(on_containerd()).nodes
    (file,) = [file for file in node.files if file.path.endswith(".toml")]
    expected: Any = node.instructions["expected"]
    assert expected["new"] == settings_of(file.content) == swap_node.settings(file.content)
    containerd: Any = node.instructions["containerd"]
    assert [told["path"] for told in containerd["files"]] == [file.path for file in node.files]
