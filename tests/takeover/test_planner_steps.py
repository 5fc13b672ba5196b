"""The steps, their order and what makes a plan ready."""

from __future__ import annotations

from dataclasses import replace

import pytest
from planner_cases import (
    CASES,
    SETTINGS,
    Case,
    healthy,
    with_servers,
)
from planner_words import cases, plan, steps

from replank.audit.finding import Finding
from replank.domain.severity import Severity
from replank.migrations.takeover.planner import plan_takeover
from replank.plan.model import Irreversible
from replank.plan.takeover import TakeoverPlan, Targets

STAGES = [
    "align-names",
    "credentials",
    "infrastructure",
    "workers",
    "control-plane",
    "unpause",
    "settle",
    "hand-over",
]


@cases
def test_stages_come_in_order_with_numbered_steps(case: Case) -> None:
    of = case.plan()
    assert [stage.name for stage in of.stages] == STAGES
    ids = [step.id for step in steps(of)]
    assert len(ids) == len(set(ids))
    for stage in of.stages:
        assert [s.id for s in stage.steps] == sorted(s.id for s in stage.steps)
        assert all(s.id.startswith(f"{stage.name}/") for s in stage.steps)


@cases
def test_each_step_has_an_undo_or_is_a_point_of_no_return(case: Case) -> None:
    of = case.plan()
    points = {point.step for point in of.points_of_no_return}
    assert points <= {step.id for step in steps(of)}
    for step in steps(of):
        assert step.says.endswith(".")
        if isinstance(step.undo, Irreversible):
            assert step.id in points
            assert step.undo.irreversible
        else:
            assert step.undo.says


def position(of: TakeoverPlan, kind: str, last: bool = False) -> int:
    found = [n for n, step in enumerate(steps(of)) if step.kind == kind]
    return found[-1] if last else found[0]


@cases
def test_terraform_lets_go_before_anything_is_renamed(case: Case) -> None:
    of = case.plan()
    renames = [n for n, s in enumerate(steps(of)) if s.kind.endswith(".rename")]
    assert position(of, "terraform.forget", last=True) < min(renames)


@cases
def test_fences_stand_until_everything_is_adopted(case: Case) -> None:
    """CAPO cannot write, and servers are locked, from before the first object until after the last check."""
    of = case.plan()
    applies = [
        n
        for n, s in enumerate(steps(of))
        if s.kind == "kubernetes.apply" and s.objects != ("Namespace/fleet",)
    ]
    unpauses = [n for n, s in enumerate(steps(of)) if s.kind.startswith("cluster-api.unpause")]
    assert position(of, "openstack.server.lock", last=True) < min(applies)
    assert max(applies) < min(unpauses)
    assert max(unpauses) < position(of, "openstack.server.unlock")
    creates = [s for s in steps(of) if s.kind == "openstack.application-credential.create"]
    if case.settings.credentials.kind == "made":
        assert creates[0].params["roles"] == ["reader"]
        assert "reader" not in str(creates[1].params["roles"])
        assert max(unpauses) < [s.id for s in steps(of)].index(creates[1].id)
    locked = [s.params["server"] for s in steps(of) if s.kind == "openstack.server.lock"]
    unlocked = [s.params["server"] for s in steps(of) if s.kind == "openstack.server.unlock"]
    assert locked == unlocked == [m.server_id for m in of.machines]


def test_lock_of_somebody_else_is_neither_taken_nor_opened() -> None:
    of = plan(with_servers(healthy(), lambda s: replace(s, locked=s.name == "plain-cp-2")))
    other = next(m.server_id for m in of.machines if m.machine == "plain-cp-2")
    touched = {
        s.params["server"]
        for s in steps(of)
        if s.kind in ("openstack.server.lock", "openstack.server.unlock")
    }
    assert other not in touched
    assert len(touched) == 4


@cases
def test_control_plane_is_unpaused_last_and_only_with_all_its_machines(case: Case) -> None:
    of = case.plan()
    unpauses = [s for s in steps(of) if s.kind.startswith("cluster-api.unpause")]
    assert unpauses[0].kind == "cluster-api.unpause-cluster"
    assert str(unpauses[-1].params["object"]).startswith("KubeadmControlPlane/")
    machines = [m.machine for m in of.machines if m.role == "control-plane"]
    gate = next(c for c in unpauses[-1].before if c.kind == "cluster-api.control-plane-machines")
    assert gate.params["machines"] == machines
    assert "etcd.members-are-nodes" in {c.kind for c in unpauses[-1].before}
    kinds = [str(s.params["object"]).partition("/")[0] for s in unpauses[1:-1]]
    assert kinds == ["MachineSet", "MachineDeployment"] * (len(kinds) // 2)


@cases
def test_kcp_is_written_after_every_control_plane_machine(case: Case) -> None:
    of = case.plan()
    order = [name for step in steps(of) for name in step.objects]
    kcp = order.index("KubeadmControlPlane/plain-control-plane")
    assert all(order.index(f"Machine/{m.machine}") < kcp for m in of.machines)
    for group in of.groups:
        if group.role == "worker":
            deployment = order.index(f"MachineDeployment/{group.name}")
            assert order.index(f"MachineSet/{group.name}-adopted") < deployment
            assert all(order.index(f"Machine/{name}") < deployment for name in group.machines)


@cases
def test_gates_after_the_cluster_is_unpaused_look_at_node_refs_and_the_cloud(case: Case) -> None:
    of = case.plan()
    (step,) = [s for s in steps(of) if s.kind == "cluster-api.unpause-cluster"]
    gates = {check.kind: check.params for check in step.after}
    assert gates["cluster-api.node-refs"]["nodes"] == {m.machine: m.node for m in of.machines}
    assert gates["cluster-api.server-ids"]["servers"] == {m.machine: m.server_id for m in of.machines}
    assert gates["openstack.unchanged"]["ports"] == [p.id for m in of.machines for p in m.ports]
    assert not {kind for kind in gates if "available" in kind or kind.endswith(".ready")}


@cases
def test_before_capo_can_write_or_the_locks_fall_nothing_is_being_deleted(case: Case) -> None:
    first = next(s for s in steps(case.plan()) if s.id.startswith("settle/") and "credential" not in s.params)
    if case.settings.credentials.kind == "made":
        (first,) = [s for s in steps(case.plan()) if s.id.endswith("swap-credential")]
    assert "cluster-api.nothing-deleting" in {check.kind for check in (*first.before, *first.after)}


def test_a_given_credential_is_neither_made_nor_swapped_and_the_missing_fence_is_told() -> None:
    of = next(c for c in CASES if c.name == "given-credential").plan()
    assert not [s for s in steps(of) if s.kind.startswith("openstack.application-credential")]
    assert not [s for s in steps(of) if s.params.get("secret") == "plain-cloud-config"]
    spec = of.manifests["OpenStackCluster/plain"]["spec"]
    assert isinstance(spec, dict)
    assert spec["identityRef"] == {"type": "ClusterIdentity", "name": "prod", "cloudName": "openstack"}
    (unpause,) = [s for s in steps(of) if s.kind == "cluster-api.unpause-cluster"]
    locked = [c.params["server"] for c in unpause.before if c.kind == "openstack.server.locked"]
    assert locked == [m.server_id for m in of.machines]
    assert unpause.approval == "credential-that-can-write"
    assert unpause.id in {point.step for point in of.points_of_no_return}
    assert [(f.code, f.severity) for f in of.findings] == [("RP885", "risk")]
    assert "can write from the start" in next(s for s in of.stages if s.name == "credentials").says


def test_blocker_of_the_audit_keeps_the_plan_from_being_ready() -> None:
    def finding(severity: Severity) -> Finding:
        return Finding(
            code="RP201",
            severity=severity,
            subject="etcd",
            evidence=("it is external",),
            consequence="c",
            remedy="r",
            unknown=True,
        )

    assert plan_takeover(healthy(), SETTINGS, (finding(Severity.RISK),)).ready
    blocked = plan_takeover(healthy(), SETTINGS, (finding(Severity.BLOCKER), finding(Severity.RISK)))
    assert not blocked.ready
    assert [(f.code, f.severity, f.unknown) for f in blocked.findings] == [
        ("RP201", "blocker", True),
        ("RP201", "risk", True),
    ]


def test_healthy_cluster_is_planned_without_a_finding() -> None:
    of = plan(healthy())
    assert of.ready
    assert of.findings == ()


@pytest.mark.parametrize(
    ("version", "word"),
    [("v1.13.5", "judged-by-replank"), ("v1.12.11", "judged-by-replank"), ("v1.14.0", ""), ("v1.15.1", "")],
)
def test_kcp_is_unpaused_on_upstreams_word_or_with_an_approval(version: str, word: str) -> None:
    of = plan(healthy(), replace(SETTINGS, targets=Targets(cluster_api=version)))
    kcp = next(s for s in steps(of) if str(s.params.get("object", "")).startswith("KubeadmControlPlane/"))
    assert kcp.approval == word
    assert [c.params["upstream"] for c in kcp.before if c.kind == "cluster-api.keep"] == [True]
