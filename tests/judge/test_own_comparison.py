"""replank's own answer to "would it roll?". tests/ground holds it against upstream's over generated specs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replank.domain.errors import Refused
from replank.inventory.cluster_api.kubeadm_config import differing_fields
from replank.inventory.cluster_api.would_roll import would_roll
from tests.judge import specs

FEW = settings(max_examples=60, deadline=None, print_blob=True)
GATE = {"clusterConfiguration": {"featureGates": {"ControlPlaneKubeletLocalMode": True}}}
SECRET = "planted-secret"


def plane(spec: specs.Document, version: str = "v1.34.4") -> specs.Document:
    return {"version": version, "kubeadmConfigSpec": spec}


def joined(**spec: Any) -> specs.Document:
    return specs.as_written(GATE | spec, init=False)


def alike() -> dict[str, specs.Document]:
    """A control plane of one Machine and a MachineDeployment of one MachineSet, all up to date."""
    api, meta = "cluster.x-k8s.io/v1beta2", {"namespace": "ns", "creationTimestamp": "2026-01-01T00:00:00Z"}
    labels = {specs.CLUSTER: "c", "cluster.x-k8s.io/control-plane": ""}
    template = {"metadata": {"labels": {"pool": "w"}}, "spec": specs.worker()}
    reference = {"apiGroup": specs.INFRASTRUCTURE, "kind": "OpenStackMachineTemplate", "name": "cp"}
    marks = {
        "cluster.x-k8s.io/cloned-from-name": "cp",
        "cluster.x-k8s.io/cloned-from-groupkind": specs.TEMPLATE_KIND,
    }
    return {
        "KubeadmControlPlane/cp": specs.thing(
            "controlplane.cluster.x-k8s.io/v1beta2",
            {"name": "cp", "uid": "kcp", "labels": {specs.CLUSTER: "c"}, **meta},
            spec=plane(GATE) | {"machineTemplate": {"spec": {"infrastructureRef": reference}}},
        ),
        "Machine/m": specs.thing(
            api,
            {"name": "m", "labels": labels, **meta},
            spec={
                "version": "v1.34.4",
                "bootstrap": {"configRef": {"kind": "KubeadmConfig", "name": "m"}},
                "infrastructureRef": {"kind": "OpenStackMachine", "name": "m"},
            },
        ),
        "KubeadmConfig/m": specs.thing("bootstrap.cluster.x-k8s.io/v1beta2", {"name": "m"}, spec=joined()),
        "OpenStackMachine/m": specs.thing(
            "infrastructure.cluster.x-k8s.io/v1beta1", {"name": "m", "annotations": marks}, spec={}
        ),
        "MachineDeployment/w": specs.thing(
            api,
            {"name": "w", "uid": "md", **meta},
            spec={"replicas": 2, "selector": {"matchLabels": {"pool": "w"}}, "template": template},
        ),
        "MachineSet/s": specs.thing(
            api,
            {"name": "s", "labels": {"pool": "w"}, **meta},
            spec={"replicas": 2, "template": deepcopy(template)},
        ),
    }


def rolls(objects: dict[str, specs.Document]) -> dict[str, str]:
    return {replaced.object: replaced.why for replaced in would_roll(objects, specs.NOW)}


@FEW
@given(spec=specs.SPEC, version=specs.VERSIONS, init=st.booleans())
def test_what_kcp_would_write_itself_is_kept(spec: specs.Document, version: str, init: bool) -> None:
    config = specs.as_written(spec, init=init)
    gates = config.setdefault("clusterConfiguration", {}).setdefault("featureGates", {})
    if version.startswith(("v1.31", "v1.34", "v1.35")):
        gates.setdefault("ControlPlaneKubeletLocalMode", True)
    assert differing_fields(plane(spec, version), config) == ()


@FEW
@given(objects=specs.control_planes())
def test_judging_changes_no_object_and_is_the_same_twice(objects: dict[str, specs.Document]) -> None:
    before = deepcopy(objects)
    assert would_roll(objects, specs.NOW) == would_roll(objects, specs.NOW)
    assert objects == before


@pytest.mark.parametrize(
    ("wanted", "current"),
    [
        ({}, {"preKubeadmCommands": [], "users": [], "ntp": {}, "files": None}),
        ({}, {"clusterConfiguration": {"controlPlaneEndpoint": "a:1", "dns": {"imageTag": "1"}}}),
        ({}, {"joinConfiguration": {"discovery": {"tlsBootstrapToken": "x"}}}),
        (
            {},
            {"joinConfiguration": {"timeouts": {"controlPlaneComponentHealthCheckSeconds": 240}}},
        ),
        ({}, {"format": "cloud-config"}),
        ({}, {"joinConfiguration": {"nodeRegistration": {"imagePullPolicy": "IfNotPresent"}}}),
        ({"initConfiguration": {"skipPhases": ["x"]}}, {}),
    ],
)
def test_differences_that_upstream_ignores_are_ignored(wanted: Any, current: Any) -> None:
    config = joined(**{k: v for k, v in current.items() if k != "clusterConfiguration"})
    config["clusterConfiguration"] |= current.get("clusterConfiguration", {})
    config["joinConfiguration"].setdefault("controlPlane", {})
    assert differing_fields(plane(GATE | wanted), config) == ()


@pytest.mark.parametrize(
    ("wanted", "current", "field"),
    [
        ({"preKubeadmCommands": ["a"]}, {}, "preKubeadmCommands"),
        ({"verbosity": 0}, {}, "verbosity"),
        ({"format": "ignition"}, {}, "format"),
        (
            {"joinConfiguration": {"nodeRegistration": {"taints": []}}},
            {},
            "joinConfiguration.nodeRegistration.taints",
        ),
        (
            {"joinConfiguration": {"nodeRegistration": {"kubeletExtraArgs": [{"name": "a"}, {"name": "b"}]}}},
            {"joinConfiguration": {"nodeRegistration": {"kubeletExtraArgs": [{"name": "b"}, {"name": "a"}]}}},
            "joinConfiguration.nodeRegistration.kubeletExtraArgs",
        ),
        ({}, {"initConfiguration": {"skipPhases": ["x"]}}, "initConfiguration.skipPhases"),
    ],
)
def test_differences_that_replace_a_machine_are_named(wanted: Any, current: Any, field: str) -> None:
    config = joined(**current) | {k: v for k, v in current.items() if k == "initConfiguration"}
    assert differing_fields(plane(GATE | wanted), config) == (field,)


def test_the_gate_that_kcp_sets_must_be_in_the_kubeadm_config_from_1_31_to_1_35() -> None:
    without = specs.as_written({}, init=False)
    gate = ("clusterConfiguration.featureGates.ControlPlaneKubeletLocalMode",)
    for version, differs in (("v1.30.9", ()), ("v1.31.0", gate), ("v1.35.4", gate), ("v1.36.0", ())):
        assert differing_fields(plane({}, version), without) == differs


def test_objects_that_are_alike_are_kept() -> None:
    assert rolls(alike()) == {}


@pytest.mark.parametrize(
    ("key", "path", "value", "object_", "says"),
    [
        ("Machine/m", ("spec", "version"), "v1.33.1", "Machine/m", "version"),
        (
            "KubeadmControlPlane/cp",
            ("spec", "rollout"),
            {"after": "2026-06-01T00:00:00Z"},
            "Machine/m",
            "rollout.after",
        ),
        (
            "KubeadmConfig/m",
            ("spec", "users"),
            [{"name": "u", "passwd": SECRET}],
            "Machine/m",
            "differs in users",
        ),
        (
            "OpenStackMachine/m",
            ("metadata", "annotations", "cluster.x-k8s.io/cloned-from-name"),
            "older",
            "Machine/m",
            "template older",
        ),
        ("MachineSet/s", ("spec", "template", "spec", "version"), "v1.33.1", "MachineSet/s", "version"),
        ("MachineSet/s", ("metadata", "labels"), {}, "MachineDeployment/w", "no MachineSet"),
        (
            "MachineDeployment/w",
            ("spec", "rollout"),
            {"after": "2026-06-01T00:00:00Z"},
            "MachineSet/s",
            "rollout.after",
        ),
    ],
)
def test_one_change_replaces_what_it_concerns_and_says_why(
    key: str, path: tuple[str, ...], value: Any, object_: str, says: str
) -> None:
    objects = alike()
    place: Any = objects[key]
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    found = rolls(objects)
    assert list(found) == [object_]
    assert says in found[object_]
    assert SECRET not in found[object_]


def test_certificates_that_expire_soon_replace_a_machine() -> None:
    objects = alike()
    objects["KubeadmControlPlane/cp"]["spec"]["rollout"] = {"before": {"certificatesExpiryDays": 30}}
    for expiry, replaced in (("2027-02-01T00:00:00Z", True), ("2027-03-01T00:00:00Z", False)):
        objects["Machine/m"]["status"] = {"certificatesExpiryDate": expiry}
        assert bool(rolls(objects)) is replaced


@pytest.mark.parametrize("missing", ["KubeadmConfig/m", "OpenStackMachine/m"])
def test_what_is_missing_counts_as_a_match(missing: str) -> None:
    objects = alike()
    del objects[missing]
    assert rolls(objects) == {}


def test_a_machine_of_another_owner_or_being_deleted_is_not_judged() -> None:
    objects = alike()
    objects["Machine/m"]["spec"]["version"] = "v1.33.1"
    meta = objects["Machine/m"]["metadata"]
    meta["ownerReferences"] = [{"uid": "another", "controller": True}]
    assert rolls(objects) == {}
    meta["ownerReferences"] = [{"uid": "kcp", "controller": True}]
    assert list(rolls(objects)) == ["Machine/m"]
    meta["deletionTimestamp"] = "2026-11-01T00:00:00Z"
    assert rolls(objects) == {}


def test_a_selector_that_nobody_can_use_is_refused() -> None:
    objects = alike()
    objects["MachineDeployment/w"]["spec"]["selector"] = {}
    with pytest.raises(Refused) as refused:
        rolls(objects)
    assert refused.value.code == "RP917"
