"""The control plane as it really runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from planner_cases import (
    audit_and_encryption,
    cloud_of,
    healthy,
    kubernetes_of,
    with_cloud,
    with_hosts,
    with_kubernetes,
    with_nodes,
)
from planner_words import differences, plan, spec_of

from replank.domain.unknown import Unknown, is_known
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.facts.snapshot import Snapshot


def with_flag(snapshot: Snapshot, component: str, flag: ExtraArg, hosts: int = 3) -> Snapshot:
    def change(host: HostFacts) -> HostFacts:
        if int(host.server[-1]) > hosts:
            return host
        assert is_known(host.static_pods)
        pods = tuple(
            replace(p, args=(*(a for a in p.args if a.name != flag.name), flag))
            if p.component == component
            else p
            for p in host.static_pods
        )
        return replace(host, static_pods=pods)

    return with_hosts(snapshot, change)


@pytest.mark.parametrize(
    ("flag", "value"),
    [("max-requests-inflight", "800"), ("enable-admission-plugins", "NodeRestriction,PodNodeSelector")],
)
def test_flag_edited_into_every_manifest_is_taken_over(flag: str, value: str) -> None:
    of = plan(with_flag(healthy(), "kube-apiserver", ExtraArg(name=flag, value=value)))
    key = "KubeadmControlPlane/plain-control-plane"
    server = spec_of(of, key)["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]
    assert {"name": flag, "value": value} in server["extraArgs"]
    found = [d for d in differences(of, "plain-control-plane") if d.field == f"kube-apiserver --{flag}"]
    assert {d.machine for d in found} == {"plain-cp-1", "plain-cp-2", "plain-cp-3"}
    assert all("nothing changes" in d.at_next_rollout for d in found)


def test_flag_edited_into_one_manifest_is_a_difference_and_not_the_template() -> None:
    flag = ExtraArg(name="max-requests-inflight", value="800")
    of = plan(with_flag(healthy(), "kube-apiserver", flag, hosts=1))
    key = "KubeadmControlPlane/plain-control-plane"
    server = spec_of(of, key)["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]
    assert [a["name"] for a in server["extraArgs"]] == ["profiling"]
    assert [(d.field, d.machine, d.has) for d in differences(of, "plain-control-plane")] == [
        ("kube-apiserver --max-requests-inflight", "plain-cp-1", "800")
    ]


def test_kubeadms_own_flags_are_not_repeated() -> None:
    of = plan(audit_and_encryption())
    configuration = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"][
        "clusterConfiguration"
    ]
    assert [a["name"] for a in configuration["apiServer"]["extraArgs"]] == [
        "audit-log-path",
        "audit-policy-file",
        "encryption-provider-config",
        "profiling",
    ]
    assert "extraArgs" not in configuration["etcd"]["local"]
    assert configuration["certificatesDir"] == "/etc/kubernetes/pki"
    assert configuration["etcd"]["local"]["dataDir"] == "/var/lib/etcd"


@pytest.mark.parametrize(
    ("version", "gates"),
    [
        ("v1.30.14", {}),
        ("v1.31.0", {"ControlPlaneKubeletLocalMode": True}),
        ("v1.35.4", {"ControlPlaneKubeletLocalMode": True}),
        ("v1.36.0", {}),
    ],
)
def test_local_mode_gate_is_set_only_where_kcp_would_add_it(version: str, gates: dict[str, bool]) -> None:
    of = plan(with_nodes(healthy(), lambda n: replace(n, kubelet_version=version)))
    for key, item in of.manifests.items():
        if key.startswith("KubeadmConfig/"):
            spec: Any = item["spec"]
            assert spec["clusterConfiguration"].get("featureGates", {}) == gates


def test_control_plane_without_taint_stays_without() -> None:
    of = plan(with_nodes(healthy(), lambda n: replace(n, taints=())))
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["joinConfiguration"]["nodeRegistration"]["taints"] == []
    assert spec["initConfiguration"]["nodeRegistration"]["taints"] == []


def test_cluster_without_kube_proxy_does_not_get_one() -> None:
    addons = kubernetes_of(healthy()).addons
    assert is_known(addons)
    of = plan(
        with_kubernetes(
            healthy(), addons=tuple(a for a in addons if a.kind not in ("kube-proxy", "cloud-provider"))
        )
    )
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["initConfiguration"]["skipPhases"] == ["addon/kube-proxy"]
    # Without a cloud provider only the kubelet's flag can give a Node its providerID.
    args = {a["name"]: a["value"] for a in spec["joinConfiguration"]["nodeRegistration"]["kubeletExtraArgs"]}
    assert args["provider-id"] == "openstack:///{{ instance_id }}"


def test_other_runtime_socket_of_instance_config_is_in_the_template() -> None:
    socket = "unix:///var/run/crio/crio.sock"

    def change(host: HostFacts) -> HostFacts:
        assert is_known(host.kubelet)
        return replace(
            host, kubelet=replace(host.kubelet, instance_config={"containerRuntimeEndpoint": socket})
        )

    of = plan(with_hosts(healthy(), change))
    spec = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]
    assert spec["joinConfiguration"]["nodeRegistration"]["criSocket"] == socket


def test_cluster_without_a_way_out_is_told_to_look_for_none() -> None:
    routers = cloud_of(healthy()).routers
    assert is_known(routers)
    spec = spec_of(plan(with_cloud(healthy(), routers=())), "OpenStackCluster/plain")
    assert spec["disableExternalNetwork"] is True
    assert not {"router", "externalNetwork"} & set(spec)
    unseen = spec_of(plan(with_cloud(healthy(), routers=Unknown("403"))), "OpenStackCluster/plain")
    assert not {"router", "externalNetwork", "disableExternalNetwork"} & set(unseen)


@pytest.mark.parametrize(
    ("seconds", "days", "lost"),
    [
        (None, None, 0),
        (365 * 86400, None, 0),
        (180 * 86400, 180, 0),
        (36 * 3600, None, 1),
        (1096 * 86400, None, 1),
    ],
)
def test_the_life_of_new_certificates_is_carried_over_in_whole_days_or_told_as_lost(
    seconds: int | None, days: int | None, lost: int
) -> None:
    facts = healthy()
    assert is_known(facts.kubernetes)
    config = facts.kubernetes.kubeadm_config
    assert is_known(config)
    assert config is not None
    of = plan(with_kubernetes(facts, kubeadm_config=replace(config, certificate_validity_seconds=seconds)))
    kcp = spec_of(of, "KubeadmControlPlane/plain-control-plane")["kubeadmConfigSpec"]["clusterConfiguration"]
    joined = spec_of(of, "KubeadmConfig/plain-cp-1")["clusterConfiguration"]
    assert kcp.get("certificateValidityPeriodDays") == days
    assert joined.get("certificateValidityPeriodDays") == days
    assert len([f for f in of.findings if f.code == "RP077"]) == lost
