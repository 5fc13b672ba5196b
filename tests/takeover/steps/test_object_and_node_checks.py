"""Checks of the plan's objects, of the management cluster and of the Nodes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from adopted import World, deployment, golden
from kubernetes_fake import discovery

from replank.domain.errors import Refused
from replank.migrations.takeover.steps.family import CHILDREN_FIRST, api_version
from replank.migrations.takeover.steps.planned_fields import additions, departures
from replank.ports.access import ObjectRef

PLANNED: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"x": ""}, "annotations": {"y": "1"}},
    "spec": {"list": [{"a": 1}, {"b": True}], "deep": {"empty": {}, "text": "t"}, "none": []},
}


def test_what_others_added_is_no_departure() -> None:
    live = copy.deepcopy(PLANNED)
    live["metadata"] |= {"labels": {"x": "", "more": "1"}, "uid": "1"}
    live["spec"]["list"][0]["defaulted"] = 10
    live["spec"]["more"] = {"a": 1}
    live["status"] = {}
    assert departures(PLANNED, live) == []
    assert additions(PLANNED, live) == {
        "metadata.labels[more]": "1",
        "spec.list[0].defaulted": 10,
        "spec.more": {"a": 1},
    }


def test_an_empty_part_and_an_absent_one_are_the_same_but_for_labels() -> None:
    live: dict[str, Any] = copy.deepcopy(PLANNED)
    del live["spec"]["deep"]["empty"], live["spec"]["none"]
    assert departures(PLANNED, live) == []
    live["metadata"]["labels"] = {}
    assert departures(PLANNED, live) == ["metadata.labels[x]"]


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("spec", "list"), [{"a": 1}], "spec.list"),
        (("spec", "list"), [{"a": 2}, {"b": True}], "spec.list[0].a"),
        (("spec", "list"), [{"a": 1}, {"b": 1}], "spec.list[1].b"),
        (("spec", "deep", "text"), "other", "spec.deep.text"),
        (("spec", "deep"), None, "spec.deep"),
        (("metadata", "annotations"), {"y": "2"}, "metadata.annotations[y]"),
    ],
)
def test_a_departure_is_named_by_its_path(path: tuple[str, ...], value: Any, named: str) -> None:
    live: dict[str, Any] = copy.deepcopy(PLANNED)
    part = live
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    assert departures(PLANNED, live) == [named]


def test_a_field_that_somebody_changed_is_named_without_its_value() -> None:
    world = World().written()
    ref = world.management.ref("KubeadmControlPlane/plain-control-plane")
    world.management.change(ref, {"spec": {"version": "planted-value"}})
    step = next(s for s in world.steps() if ref.kind in str(s.objects))
    verdict = world.check("kubernetes.as-planned", step)
    assert verdict.outcome == "fail"
    assert "KubeadmControlPlane/plain-control-plane spec.version" in verdict.why
    assert "planted-value" not in str(verdict)


def test_at_settling_lifted_pauses_are_as_planned_and_a_lost_field_is_not() -> None:
    world = World().adopted()
    step = world.step("settle/field-ownership")
    assert world.check("kubernetes.as-planned", step).outcome == "pass"
    ref = world.management.ref("Machine/plain-worker-1")
    world.management.change(ref, {"spec": {"bootstrap": {"dataSecretName": None}}})
    assert "dataSecretName" in world.check("kubernetes.as-planned", step).why


def test_dry_run_shows_what_webhooks_add_and_writes_nothing() -> None:
    world = World()

    def default(document: dict[str, Any]) -> dict[str, Any]:
        document["spec"]["defaulted"] = 10
        return document

    world.management.webhook = default
    verdict = world.check("kubernetes.dry-run", world.step("infrastructure/cluster"))
    assert verdict.outcome == "pass"
    assert verdict.evidence == {"added": {"Cluster/plain": {"spec.defaulted": 10}}}
    assert world.management.named("Cluster") == []


def test_dry_run_fails_where_a_webhook_changes_the_plan() -> None:
    world = World()

    def meddle(document: dict[str, Any]) -> dict[str, Any]:
        document["spec"]["paused"] = False
        return document

    world.management.webhook = meddle
    verdict = world.check("kubernetes.dry-run", world.step("infrastructure/cluster"))
    assert (verdict.outcome, "Cluster/plain spec.paused" in verdict.why) == ("fail", True)


def test_a_webhook_that_refuses_stops_the_cluster() -> None:
    world = World()

    def refuse(document: dict[str, Any]) -> dict[str, Any]:
        raise Refused("RP904", "Cluster plain was refused", "a webhook says no", "Read what it says.")

    world.management.webhook = refuse
    with pytest.raises(Refused, match="RP904"):
        world.check("kubernetes.dry-run", world.step("infrastructure/cluster"))


def test_small_checks_see_the_difference() -> None:
    world = World()
    cluster, paused = "Cluster/plain", "cluster.x-k8s.io/paused"
    asked = [
        ("kubernetes.exists", {"object": cluster}),
        ("kubernetes.cluster.paused", {"object": cluster}),
        ("kubernetes.annotation", {"object": "MachineSet/plain-worker-adopted", "annotation": paused}),
        ("kubernetes.annotation", {"objects": ["MachineDeployment/plain-worker"], "annotation": paused}),
        ("cluster-api.guarded", {"machine": "plain-cp-1"}),
        ("cluster-api.not-deleting", {"machine": "plain-cp-1"}),
    ]
    assert {world.check(kind, **params).outcome for kind, params in asked} == {"fail"}
    world.written()
    assert {world.check(kind, **params).outcome for kind, params in asked} == {"pass"}
    for key in (cluster, "Machine/plain-cp-1"):
        world.management[key]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert world.check("kubernetes.exists", object=cluster).outcome == "fail"
    assert world.check("cluster-api.not-deleting", machine="plain-cp-1").outcome == "fail"
    world.management.change(world.management.ref(cluster), {"spec": {"paused": False}})
    assert world.check("kubernetes.cluster.paused", object=cluster).outcome == "fail"


def providers(world: World) -> Any:
    step = world.step("credentials/namespace")
    return world.planned_check(step, step.before[0])


def test_providers_of_the_plans_versions_pass() -> None:
    verdict = providers(World())
    assert verdict.outcome == "pass"
    assert verdict.evidence["running"] == {
        "cluster-api": "v1.14.0",
        "bootstrap-kubeadm": "v1.14.0",
        "control-plane-kubeadm": "v1.14.0",
        "infrastructure-openstack": "v0.14.7",
    }


@pytest.mark.parametrize(
    ("image", "outcome"),
    [("capi:v1.14.2", "pass"), ("capi:v1.13.5", "fail"), ("capi:main", "fail")],
)
def test_another_minor_version_fails_and_another_patch_is_told(image: str, outcome: str) -> None:
    world = World()
    world.management.put(deployment("capi-controller-manager", image))
    verdict = providers(world)
    assert verdict.outcome == outcome
    told = verdict.evidence.get("other_patch_version") or verdict.why
    assert image.partition(":")[2] in str(told)


def test_clusterctls_inventory_counts_where_there_is_one() -> None:
    world = World()
    version = "clusterctl.cluster.x-k8s.io/v1alpha3"
    group = {"name": version.partition("/")[0], "versions": [{"groupVersion": version}]}
    world.management.documents["/apis"]["groups"].append(group)
    meta = {"name": "infrastructure-openstack", "namespace": "capo-system"}
    world.management.put({"apiVersion": version, "kind": "Provider", "metadata": meta, "version": "v0.15.0"})
    assert "infrastructure-openstack is v0.15.0" in providers(world).why


def test_a_provider_or_a_kind_that_is_missing_fails() -> None:
    world = World()
    del world.management.objects[world.management.ref("Deployment/capo-controller-manager")]
    assert "provider infrastructure-openstack was not found" in providers(world).why
    for missing in ("OpenStackServer", "Image", "Machine"):
        world = World()
        kinds = [(api_version(world.plan, kind), kind) for kind in CHILDREN_FIRST]
        kinds += [("openstack.k-orc.cloud/v1alpha1", "Image"), ("v1", "Namespace")]
        world.management.documents = discovery([kind for kind in kinds if kind[1] != missing])
        assert f"serves no {missing}" in providers(world).why


def test_what_stands_there_already_is_named() -> None:
    world = World()
    params = {"namespace": "fleet", "cluster": "plain"}
    assert world.check("cluster-api.nothing-there", **params).outcome == "pass"
    world.written()
    verdict = world.check("cluster-api.nothing-there", **params)
    assert verdict.outcome == "fail"
    assert "Cluster/plain" in verdict.why
    assert "Machine/plain-cp-1" in verdict.why
    assert world.check("cluster-api.nothing-there", namespace="fleet", cluster="other").outcome == "pass"


def node_ref(name: str = "plain-worker-1") -> ObjectRef:
    return ObjectRef("v1", "Node", "", name)


def test_provider_ids_are_compared_as_texts() -> None:
    world = World()
    wanted = {m.node: m.provider_id for m in golden().machines}
    assert world.check("kubernetes.node.provider-ids", nodes=wanted).outcome == "pass"
    region = wanted["plain-worker-1"].replace(":///", "://region/")
    world.workload.change(node_ref(), {"spec": {"providerID": region}})
    assert region in world.check("kubernetes.node.provider-ids", nodes=wanted).why
    del world.workload.objects[node_ref()]
    assert "not there" in world.check("kubernetes.node.provider-ids", nodes=wanted).why


def test_a_node_that_is_not_ready_is_waited_for() -> None:
    world = World()
    names = [m.node for m in golden().machines]
    assert world.check("kubernetes.nodes-ready", nodes=names).outcome == "pass"
    assert world.check("kubernetes.node.same", node="plain-worker-1").outcome == "pass"
    not_ready = {"conditions": [{"type": "Ready", "status": "Unknown", "message": "silent"}]}
    world.workload.change(node_ref(), {"status": not_ready})
    assert world.check("kubernetes.nodes-ready", nodes=names).outcome == "wait"
    assert "silent" in world.check("kubernetes.node.same", node="plain-worker-1").why
    del world.workload.objects[node_ref()]
    assert world.check("kubernetes.nodes-ready", nodes=names).outcome == "fail"
    assert world.check("kubernetes.node.same", node="plain-worker-1").outcome == "fail"


def test_a_node_that_was_cordoned_meanwhile_fails_and_one_that_was_before_does_not() -> None:
    world = World().adopted()
    step = world.step("unpause/look-again")
    names = [m.node for m in golden().machines]
    world.workload.change(node_ref("plain-cp-1"), {"spec": {"unschedulable": True}})
    started = world.clock.now()
    world.apply(step)
    assert world.clock.now() - started == 30
    assert world.befores[step.id] == {"cordoned": ["plain-cp-1"]}
    assert world.check("kubernetes.nodes-ready", step, nodes=names).outcome == "pass"
    world.workload.change(node_ref(), {"spec": {"unschedulable": True}})
    verdict = world.check("kubernetes.nodes-ready", step, nodes=names)
    assert (verdict.outcome, "plain-worker-1" in verdict.why) == ("fail", True)
