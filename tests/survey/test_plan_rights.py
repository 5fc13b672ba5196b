"""Rights that a plan needs: complete, and `replank permissions` grants every one of them."""

from __future__ import annotations

import pytest
from granting import grants

from facts_loader import healthy, snapshot_of
from replank.migrations.takeover.planner import plan_takeover
from replank.migrations.takeover.settings import TakeoverSettings
from replank.plan.takeover import TakeoverPlan
from replank.ports.rights import Right
from replank.survey.permissions import permissions
from replank.survey.plan_rights import needed_rights

NAMESPACE = "plain"


@pytest.fixture(scope="module")
def plan() -> TakeoverPlan:
    return plan_takeover(snapshot_of(healthy()), TakeoverSettings(namespace=NAMESPACE), ())


@pytest.mark.parametrize("side", ["management", "workload"])
def test_what_permissions_prints_is_enough_for_a_plan(plan: TakeoverPlan, side: str) -> None:
    granted = [
        manifest
        for purpose in ("survey", "apply")
        for manifest in getattr(permissions(purpose, namespace=NAMESPACE), side)  # type: ignore[arg-type]
    ]
    needed = getattr(needed_rights(plan), side)
    assert needed
    assert [str(right) for right in needed if not any(grants(m, right) for m in granted)] == []


def test_every_kind_of_the_plan_may_be_made_and_taken_back(plan: TakeoverPlan) -> None:
    rights = {(r.kind, r.verb) for r in needed_rights(plan).management}
    kinds = {str(manifest["kind"]) for manifest in plan.manifests.values()}
    assert {"Cluster", "KubeadmControlPlane", "Machine"} <= kinds
    assert {(kind, verb) for kind in kinds | {"Secret"} for verb in ("create", "patch", "delete")} <= rights


def test_nothing_is_written_in_the_workload_cluster_but_nodes_and_the_lease(plan: TakeoverPlan) -> None:
    written = {
        (r.kind, r.namespace, r.name)
        for r in needed_rights(plan).workload
        if r.verb in ("patch", "delete", "update")
    }
    assert written == {("Node", "", ""), ("Lease", "kube-system", "replank")}


def test_a_right_reads_like_a_sentence() -> None:
    right = Right(namespace="a", api_version="v1", kind="Secret", verb="get", name="s", resource="secrets")
    assert str(right) == "get secrets s in namespace a"
    assert str(Right(namespace="", api_version="v1", kind="Node", verb="list")) == "list Node"
