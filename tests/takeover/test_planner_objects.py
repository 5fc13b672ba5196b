"""Every object that a takeover needs is planned, with the fields that decide whether anything is replaced.

The rules are those of cluster-api v1.14.0 and cluster-api-provider-openstack v0.14.7, written here a second
time and independently of the planner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from planner_cases import CASES, Case, cloud_of

from replank.domain.unknown import is_known
from replank.plan.takeover import TakeoverPlan

KINDS = {
    "Cluster",
    "KubeadmConfig",
    "KubeadmConfigTemplate",
    "KubeadmControlPlane",
    "Machine",
    "MachineDeployment",
    "MachineSet",
    "Namespace",
    "OpenStackCluster",
    "OpenStackMachine",
    "OpenStackMachineTemplate",
}
NAME = "cluster.x-k8s.io/cluster-name"
cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def objects(plan: TakeoverPlan, kind: str) -> dict[str, dict[str, Any]]:
    found = {}
    for key, item in plan.manifests.items():
        if item["kind"] == kind:
            document: Any = item
            found[document["metadata"]["name"]] = document
            assert key == f"{kind}/{document['metadata']['name']}"
    return found


def kcp_of(plan: TakeoverPlan) -> dict[str, Any]:
    (kcp,) = objects(plan, "KubeadmControlPlane").values()
    return kcp


@cases
def test_every_kind_is_there_in_one_namespace(case: Case) -> None:
    plan = case.plan()
    assert {item["kind"] for item in plan.manifests.values()} == KINDS
    for item in plan.manifests.values():
        metadata: Any = item["metadata"]
        assert item["kind"] == "Namespace" or metadata["namespace"] == "fleet"


@cases
def test_each_machine_has_machine_and_openstackmachine_under_the_servers_name(case: Case) -> None:
    plan = case.plan()
    names = {server.id: server.name for server in known(cloud_of(case.snapshot()).servers)}
    assert {m.machine for m in plan.machines} == set(objects(plan, "Machine"))
    assert set(objects(plan, "Machine")) == set(objects(plan, "OpenStackMachine"))
    for machine in plan.machines:
        assert machine.machine == names[machine.server_id]


def known(fact: Any) -> Any:
    assert is_known(fact)
    return fact


@cases
def test_cluster_is_paused_and_refers_to_both_sides(case: Case) -> None:
    plan = case.plan()
    (cluster,) = objects(plan, "Cluster").values()
    spec = cluster["spec"]
    assert spec["paused"] is True
    assert spec["controlPlaneEndpoint"] == {"host": "10.20.0.10", "port": 6443}
    assert spec["controlPlaneRef"] == ref("controlplane", "KubeadmControlPlane", kcp_of(plan))
    (infrastructure,) = objects(plan, "OpenStackCluster").values()
    assert spec["infrastructureRef"] == ref("infrastructure", "OpenStackCluster", infrastructure)
    assert spec["clusterNetwork"] == {
        "pods": {"cidrBlocks": ["10.244.0.0/16"]},
        "services": {"cidrBlocks": ["10.96.0.0/12"]},
        "serviceDomain": "cluster.local",
    }


def ref(group: str, kind: str, item: Mapping[str, Any]) -> dict[str, str]:
    return {"apiGroup": f"{group}.cluster.x-k8s.io", "kind": kind, "name": item["metadata"]["name"]}


@cases
def test_openstackcluster_names_what_is_there_and_manages_nothing_more(case: Case) -> None:
    plan = case.plan()
    (cluster,) = objects(plan, "OpenStackCluster").values()
    spec = cluster["spec"]
    assert not {"managedSubnets", "managedSecurityGroups", "bastion", "tags"} & set(spec)
    for field in ("network", "router", "externalNetwork"):
        assert set(spec[field]) == {"id"}
    assert [set(subnet) for subnet in spec["subnets"]] == [{"id"}]
    # CAPO copies this label to each OpenStackServer once; one without it can never be paused.
    assert cluster["metadata"]["labels"] == {NAME: "plain"}
    assert spec["disableAPIServerFloatingIP"] is True
    assert ("apiServerLoadBalancer" in spec) is (plan.load_balancer.mode == "managed")
    # With a region here providerIDs would carry one.
    assert set(spec["identityRef"]) == {"type", "name", "cloudName"}


@cases
def test_kubeadmcontrolplane_has_real_count_exact_version_and_is_paused(case: Case) -> None:
    plan = case.plan()
    kcp = kcp_of(plan)
    assert kcp["spec"]["replicas"] == sum(m.role == "control-plane" for m in plan.machines) == 3
    assert kcp["spec"]["version"] == "v1.34.4"
    assert set(kcp["metadata"]["annotations"]) == {
        "cluster.x-k8s.io/paused",
        "controlplane.cluster.x-k8s.io/skip-kube-proxy",
        "controlplane.cluster.x-k8s.io/skip-coredns",
    }
    template = kcp["spec"]["machineTemplate"]["spec"]["infrastructureRef"]
    assert template["name"] in objects(plan, "OpenStackMachineTemplate")
    assert "rollout" not in kcp["spec"]


@cases
def test_kcp_would_keep_every_control_plane(case: Case) -> None:
    """controlplane/kubeadm/pkg/filters.go: version, KubeadmConfig spec, template name."""
    plan = case.plan()
    kcp = kcp_of(plan)
    for name in (m.machine for m in plan.machines if m.role == "control-plane"):
        machine = objects(plan, "Machine")[name]
        config = objects(plan, "KubeadmConfig")[name]
        assert machine["spec"]["version"] == kcp["spec"]["version"]
        assert machine["spec"]["bootstrap"]["configRef"] == ref("bootstrap", "KubeadmConfig", config)
        assert for_comparison(config["spec"]) == for_comparison(wanted_by_kcp(kcp["spec"]))
        cloned = objects(plan, "OpenStackMachine")[name]["metadata"]["annotations"]
        template = kcp["spec"]["machineTemplate"]["spec"]["infrastructureRef"]
        assert cloned["cluster.x-k8s.io/cloned-from-name"] == template["name"]
        assert (
            cloned["cluster.x-k8s.io/cloned-from-groupkind"] == f"{template['kind']}.{template['apiGroup']}"
        )


def wanted_by_kcp(spec: Mapping[str, Any]) -> dict[str, Any]:
    """desiredstate.ComputeDesiredKubeadmConfig for a joining control plane."""
    wanted = dict(spec["kubeadmConfigSpec"])
    wanted.pop("initConfiguration", None)
    wanted["joinConfiguration"] = dict(wanted.get("joinConfiguration", {}))
    wanted["joinConfiguration"].setdefault("controlPlane", {})
    major, minor = (int(part) for part in spec["version"].removeprefix("v").split(".")[:2])
    if (1, 31) <= (major, minor) < (1, 36):
        configuration = dict(wanted.get("clusterConfiguration", {}))
        gates = dict(configuration.get("featureGates", {}))
        gates.setdefault("ControlPlaneKubeletLocalMode", True)
        wanted["clusterConfiguration"] = {**configuration, "featureGates": gates}
    return wanted


def for_comparison(spec: Mapping[str, Any]) -> dict[str, Any]:
    """PrepareKubeadmConfigsForDiff: what does not count is taken out; everything else has to be equal."""
    kept = {key: value for key, value in spec.items() if value not in ([], {}, None)}
    configuration = dict(kept.get("clusterConfiguration", {}))
    for ignored in ("controlPlaneEndpoint", "dns"):
        configuration.pop(ignored, None)
    join = dict(kept.get("joinConfiguration", {}))
    join.pop("discovery", None)
    timeouts = {
        key: value
        for key, value in join.pop("timeouts", {}).items()
        if key != "controlPlaneComponentHealthCheckSeconds"
    }
    return {
        **kept,
        "clusterConfiguration": configuration,
        "joinConfiguration": {**join, "timeouts": timeouts},
    }


@cases
def test_local_mode_stands_explicitly_and_equally_in_both(case: Case) -> None:
    plan = case.plan()
    specs = [kcp_of(plan)["spec"]["kubeadmConfigSpec"]]
    specs += [config["spec"] for config in objects(plan, "KubeadmConfig").values()]
    for spec in specs:
        assert spec["clusterConfiguration"]["featureGates"] == {"ControlPlaneKubeletLocalMode": True}


@cases
def test_control_plane_objects_carry_the_labels_that_make_kcp_see_them(case: Case) -> None:
    plan = case.plan()
    kcp = kcp_of(plan)["metadata"]["name"]
    wanted = {
        NAME: "plain",
        "cluster.x-k8s.io/control-plane": "",
        "cluster.x-k8s.io/control-plane-name": kcp,
    }
    for name in (m.machine for m in plan.machines if m.role == "control-plane"):
        assert objects(plan, "Machine")[name]["metadata"]["labels"] == wanted
        assert (
            objects(plan, "KubeadmConfig")[name]["metadata"]["labels"].items()
            >= {
                NAME: "plain",
                "cluster.x-k8s.io/control-plane": "",
            }.items()
        )
    assert len(objects(plan, "KubeadmConfig")) == 3


@cases
def test_machines_are_guarded_fail_safe_and_without_controller(case: Case) -> None:
    plan = case.plan()
    secrets = {secret.name for secret in plan.secrets}
    zones = {m.machine: m.failure_domain for m in plan.machines}
    for name, machine in objects(plan, "Machine").items():
        assert set(machine["metadata"]["annotations"]) == {
            "pre-drain.delete.hook.machine.cluster.x-k8s.io/replank",
            "pre-terminate.delete.hook.machine.cluster.x-k8s.io/replank",
        }
        assert "ownerReferences" not in machine["metadata"]
        # Points at nothing on purpose: CAPO cannot make a server without user data.
        assert machine["spec"]["bootstrap"]["dataSecretName"] == "adopted-no-user-data"
        assert "adopted-no-user-data" not in secrets
        assert machine["spec"]["failureDomain"] == zones[name]
        assert "providerID" not in machine["spec"]
        assert machine["spec"]["infrastructureRef"] == ref(
            "infrastructure", "OpenStackMachine", objects(plan, "OpenStackMachine")[name]
        )


@cases
def test_openstackmachines_are_their_templates(case: Case) -> None:
    plan = case.plan()
    templates = objects(plan, "OpenStackMachineTemplate")
    for machine in objects(plan, "OpenStackMachine").values():
        template = templates[machine["metadata"]["annotations"]["cluster.x-k8s.io/cloned-from-name"]]
        assert machine["spec"] == template["spec"]["template"]["spec"]
        assert machine["metadata"]["labels"] == {NAME: "plain"}


@cases
def test_openstackmachine_specs_hold_ids_and_nothing_capo_would_rewrite(case: Case) -> None:
    for machine in objects(case.plan(), "OpenStackMachine").values():
        spec = machine["spec"]
        assert {"flavorID", "image", "sshKeyName", "configDrive", "ports"} <= set(spec)
        assert set(spec["image"]) == {"id"}
        assert not {"providerID", "tags", "trunk", "securityGroups"} & set(spec)
        for port in spec["ports"]:
            assert set(port["network"]) == {"id"}
            assert all(set(fixed) == {"subnet"} for fixed in port["fixedIPs"])
            assert port["securityGroups"]
            assert not {"tags", "trunk", "macAddress"} & set(port)


@cases
def test_machinesets_are_revision_one_of_their_deployments(case: Case) -> None:
    """mdutil.MachineTemplateUpToDate compares the templates; without a match there are N new machines."""
    plan = case.plan()
    deployments = objects(plan, "MachineDeployment")
    assert {g.name for g in plan.groups if g.role == "worker"} == set(deployments)
    for machine_set in objects(plan, "MachineSet").values():
        labels = machine_set["metadata"]["labels"]
        deployment = deployments[labels["cluster.x-k8s.io/deployment-name"]]
        assert machine_set["spec"]["template"]["spec"] == deployment["spec"]["template"]["spec"]
        assert machine_set["spec"]["replicas"] == deployment["spec"]["replicas"]
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert machine_set["spec"]["selector"]["matchLabels"] == {
            **selector,
            "machine-template-hash": labels["machine-template-hash"],
        }
        without_hash = dict(machine_set["spec"]["template"]["metadata"]["labels"])
        assert without_hash.pop("machine-template-hash") == labels["machine-template-hash"]
        assert without_hash == deployment["spec"]["template"]["metadata"]["labels"]
        for item in (machine_set, deployment):
            assert item["metadata"]["annotations"] == {"cluster.x-k8s.io/paused": ""}
            matches(item["spec"]["selector"]["matchLabels"], item["spec"]["template"]["metadata"]["labels"])


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> None:
    assert selector.items() <= labels.items()


@cases
def test_machinesets_select_exactly_their_machines(case: Case) -> None:
    plan = case.plan()
    groups = {g.name: set(g.machines) for g in plan.groups if g.role == "worker"}
    machines = objects(plan, "Machine")
    for name, machine_set in objects(plan, "MachineSet").items():
        selector = machine_set["spec"]["selector"]["matchLabels"]
        selected = {n for n, m in machines.items() if selector.items() <= m["metadata"]["labels"].items()}
        assert selected == groups[selector["cluster.x-k8s.io/deployment-name"]]
        assert machine_set["spec"]["replicas"] == len(selected)
        for machine in selected:
            assert machines[machine]["metadata"]["labels"]["cluster.x-k8s.io/set-name"] == name


@cases
def test_templates_that_are_referred_to_exist(case: Case) -> None:
    plan = case.plan()
    for deployment in objects(plan, "MachineDeployment").values():
        spec = deployment["spec"]["template"]["spec"]
        assert spec["bootstrap"]["configRef"]["name"] in objects(plan, "KubeadmConfigTemplate")
        assert spec["infrastructureRef"]["name"] in objects(plan, "OpenStackMachineTemplate")


@cases
def test_names_fit_into_the_labels_that_cluster_api_makes_of_them(case: Case) -> None:
    for item in case.plan().manifests.values():
        metadata: Any = item["metadata"]
        assert len(metadata["name"]) <= 63
        assert all(len(value) <= 63 for value in metadata.get("labels", {}).values())


@cases
def test_certificate_secrets_are_complete_unowned_and_by_reference(case: Case) -> None:
    plan = case.plan()
    secrets = {secret.name: secret for secret in plan.secrets}
    for purpose in ("ca", "etcd", "sa", "proxy"):
        secret = secrets[f"plain-{purpose}"]
        assert set(secret.data) == {"tls.crt", "tls.key"}
        assert all(s.source == "host-file" and s.machine == "plain-cp-1" for s in secret.data.values())
    assert secrets["plain-sa"].data["tls.crt"].path == "/etc/kubernetes/pki/sa.pub"
    assert secrets["plain-kubeconfig"].data["value"].source == "made-kubeconfig"
    for secret in plan.secrets:
        assert secret.type == "Opaque"
        assert secret.labels[NAME] == "plain"
        assert secret.namespace == "fleet"
    assert not objects(plan, "Secret")
    if case.settings.credentials.kind == "made":
        made = secrets["plain-cloud-config"]
        assert made.data["clouds.yaml"].source == "application-credential"
        assert made.labels["clusterctl.cluster.x-k8s.io/move"] == "true"
    else:
        assert "plain-cloud-config" not in secrets


@cases
def test_every_object_is_written_by_exactly_one_step(case: Case) -> None:
    plan = case.plan()
    written = [name for stage in plan.stages for step in stage.steps for name in step.objects]
    assert sorted(written) == sorted(plan.manifests)


def test_files_with_flags_travel_by_secret_and_equally() -> None:
    plan = next(c for c in CASES if c.name == "audit-and-encryption").plan()
    files = kcp_of(plan)["spec"]["kubeadmConfigSpec"]["files"]
    assert [(f["path"], f["permissions"], f["owner"]) for f in files] == [
        ("/etc/kubernetes/audit/policy.yaml", "0644", "root:root"),
        ("/etc/kubernetes/enc/encryption.yaml", "0600", "root:root"),
    ]
    (secret,) = [s for s in plan.secrets if s.name == "plain-control-plane-files"]
    for file in files:
        assert "content" not in file
        assert file["contentFrom"]["secret"]["name"] == secret.name
        assert secret.data[file["contentFrom"]["secret"]["key"]].path == file["path"]
    assert secret.labels["clusterctl.cluster.x-k8s.io/move"] == "true"
    for config in objects(plan, "KubeadmConfig").values():
        assert config["spec"]["files"] == files


def test_region_in_provider_ids_is_the_machines_and_not_the_clusters() -> None:
    plan = next(c for c in CASES if c.name == "region-provider-ids").plan()
    for machine in objects(plan, "OpenStackMachine").values():
        assert machine["spec"]["identityRef"]["region"] == "RegionOne"
    (cluster,) = objects(plan, "OpenStackCluster").values()
    assert "region" not in cluster["spec"]["identityRef"]
    for planned in plan.machines:
        assert planned.provider_id == f"openstack://RegionOne/{planned.server_id}"
