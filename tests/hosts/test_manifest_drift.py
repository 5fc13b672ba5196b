"""Hand edits of static pod manifests are told from what kubeadm writes."""

from __future__ import annotations

import dataclasses

import pytest
from host_machines import fixture
from hypothesis import given
from hypothesis import strategies as st

from replank.inventory.facts.hosts import StaticPod
from replank.inventory.facts.kubernetes import (
    ClusterConfiguration,
    ComponentConfig,
    ExternalEtcd,
    ExtraArg,
    HostPathMount,
    LocalEtcd,
)
from replank.inventory.hosts.drift import manifest_drift
from replank.inventory.hosts.static_pods import parse_static_pod

CONFIG = ClusterConfiguration(
    api_version="kubeadm.k8s.io/v1beta4",
    kubernetes_version="v1.34.4",
    pod_subnet="10.244.0.0/16",
    service_subnet="10.96.0.0/12",
    image_repository="registry.k8s.io",
    api_server=ComponentConfig(
        extra_args=(
            ExtraArg(name="audit-policy-file", value="/etc/kubernetes/audit/policy.yaml"),
            ExtraArg(name="audit-log-path", value="/var/log/kubernetes/audit.log"),
            ExtraArg(name="encryption-provider-config", value="/etc/kubernetes/enc/enc.yaml"),
        ),
        extra_volumes=(
            HostPathMount(
                name="audit",
                host_path="/opt/kubernetes/audit",
                mount_path="/etc/kubernetes/audit",
                read_only=True,
                path_type="DirectoryOrCreate",
            ),
            HostPathMount(
                name="enc", host_path="/etc/kubernetes/enc", mount_path="/etc/kubernetes/enc", read_only=True
            ),
            HostPathMount(
                name="audit-log", host_path="/var/log/kubernetes", mount_path="/var/log/kubernetes"
            ),
        ),
    ),
    etcd_local=LocalEtcd(),
)
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")


def pod(component: str) -> StaticPod:
    path = f"/etc/kubernetes/manifests/{component}.yaml"
    return parse_static_pod(fixture(f"kubeadm/{component}.yaml"), path=path)


def edited(component: str, **flags: str | None) -> StaticPod:
    """The pod with flags set (`_` stands for `-`), or taken out where None."""
    named = {name.replace("_", "-"): value for name, value in flags.items()}
    manifest = pod(component)
    args = [arg for arg in manifest.args if arg.name not in named]
    args += [ExtraArg(name=name, value=value) for name, value in named.items() if value is not None]
    return dataclasses.replace(manifest, args=tuple(args))


@pytest.mark.parametrize("component", COMPONENTS)
def test_what_kubeadm_wrote_is_no_drift(component: str) -> None:
    assert manifest_drift(pod(component), CONFIG) == ()


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (
            edited("kube-apiserver", audit_log_path=None),
            ["audit-log-path is missing", "/var/log/kubernetes/"],
        ),
        (edited("kube-apiserver", audit_log_path="-"), ['audit-log-path is "-"', "kubeadm-config sets"]),
        (edited("kube-apiserver", max_requests_inflight="800"), ["max-requests-inflight", "no extraArgs"]),
        (
            edited("kube-apiserver", enable_admission_plugins="NodeRestriction,PodNodeSelector"),
            ["PodNodeSelector", "kubeadm would write"],
        ),
        (
            edited("kube-apiserver", enable_bootstrap_token_auth=None),
            ["enable-bootstrap-token-auth is missing"],
        ),
        (edited("kube-apiserver", etcd_servers="https://10.0.0.9:2379"), ["etcd-servers", "10.0.0.9"]),
        (edited("kube-controller-manager", controllers="*"), ["controllers", "bootstrapsigner"]),
        (edited("kube-scheduler", leader_elect="false"), ["leader-elect"]),
        (edited("etcd", quota_backend_bytes="8589934592"), ["quota-backend-bytes", "no extraArgs"]),
        (edited("etcd", snapshot_count="5000"), ["snapshot-count"]),
    ],
)
def test_a_hand_edited_flag_is_said_in_one_sentence(manifest: StaticPod, words: list[str]) -> None:
    (sentence,) = manifest_drift(manifest, CONFIG)
    assert all(word in sentence for word in words)


@pytest.mark.parametrize(
    "manifest",
    [
        edited("kube-apiserver", advertise_address="10.0.0.77", secure_port="443"),
        edited("kube-apiserver", etcd_servers="https://[::1]:2379"),
        edited("kube-controller-manager", cluster_signing_cert_file="", cluster_signing_key_file=""),
        edited("etcd", name="other", initial_cluster="a=b", initial_cluster_state="existing"),
        edited(
            "etcd",
            feature_gates=None,
            watch_progress_notify_interval=None,
            experimental_initial_corrupt_check="true",
            experimental_watch_progress_notify_interval="5s",
        ),
    ],
)
def test_what_differs_from_machine_to_machine_or_version_to_version_is_no_drift(manifest: StaticPod) -> None:
    assert manifest_drift(manifest, CONFIG) == ()


def test_extra_args_may_replace_a_default() -> None:
    extra = (*CONFIG.api_server.extra_args, ExtraArg(name="enable-admission-plugins", value="A,B"))
    config = dataclasses.replace(CONFIG, api_server=dataclasses.replace(CONFIG.api_server, extra_args=extra))
    assert manifest_drift(edited("kube-apiserver", enable_admission_plugins="A,B"), config) == ()
    assert len(manifest_drift(pod("kube-apiserver"), config)) == 1


def test_repeated_extra_args_of_v1beta4_are_compared_as_a_whole() -> None:
    names = [ExtraArg(name="service-account-issuer", value=value) for value in ("https://new", "https://old")]
    extra = (*CONFIG.api_server.extra_args, *names)
    config = dataclasses.replace(CONFIG, api_server=dataclasses.replace(CONFIG.api_server, extra_args=extra))
    manifest = edited("kube-apiserver", service_account_issuer=None)
    both = dataclasses.replace(manifest, args=(*manifest.args, *reversed(names)))
    one = dataclasses.replace(manifest, args=(*manifest.args, names[0]))
    assert manifest_drift(both, config) == ()
    assert len(manifest_drift(one, config)) == 1


def test_structured_authorization_takes_the_mode_flag_away() -> None:
    extra = (*CONFIG.api_server.extra_args, ExtraArg(name="authorization-config", value="/x"))
    config = dataclasses.replace(CONFIG, api_server=dataclasses.replace(CONFIG.api_server, extra_args=extra))
    assert (
        manifest_drift(edited("kube-apiserver", authorization_mode=None, authorization_config="/x"), config)
        == ()
    )


def test_external_etcd_is_read_from_the_configuration() -> None:
    external = ExternalEtcd(
        endpoints=("https://a:2379", "https://b:2379"), ca_file="/e/ca", cert_file="/e/c", key_file="/e/k"
    )
    config = dataclasses.replace(CONFIG, etcd_local=None, etcd_external=external)
    flags = {"etcd_servers": "https://a:2379,https://b:2379", "etcd_cafile": "/e/ca"}
    manifest = edited("kube-apiserver", **flags, etcd_certfile="/e/c", etcd_keyfile="/e/k")
    assert manifest_drift(manifest, config) == ()
    assert len(manifest_drift(pod("kube-apiserver"), config)) == 4


@pytest.mark.parametrize(
    ("image", "differs"),
    [
        ("registry.k8s.io/kube-scheduler:v1.34.4", False),
        ("registry.k8s.io/kube-scheduler:v1.34.4@sha256:" + "0" * 64, False),
        ("registry.k8s.io/kube-scheduler:v1.34.3", True),
        ("mirror.example:5000/kube-scheduler:v1.34.4", True),
        ("registry.k8s.io/kube-scheduler-arm64:v1.34.4", True),
        ("registry.k8s.io/kube-scheduler", True),
    ],
)
def test_images_are_compared(image: str, differs: bool) -> None:
    manifest = dataclasses.replace(pod("kube-scheduler"), image=image)
    assert bool(manifest_drift(manifest, CONFIG)) is differs


def test_etcd_without_an_image_tag_may_have_kubeadms_own_version() -> None:
    manifest = dataclasses.replace(pod("etcd"), image="registry.k8s.io/etcd:3.5.21-0")
    assert manifest_drift(manifest, CONFIG) == ()
    tagged = dataclasses.replace(CONFIG, etcd_local=LocalEtcd(image_tag="3.6.5-0"))
    assert len(manifest_drift(manifest, tagged)) == 1


def test_mounts_are_compared_both_ways() -> None:
    manifest = pod("kube-apiserver")
    extra = HostPathMount(name="mine", host_path="/opt/mine", mount_path="/mine")
    more = dataclasses.replace(manifest, volumes=(*manifest.volumes, extra))
    less = dataclasses.replace(manifest, volumes=tuple(v for v in manifest.volumes if v.name != "enc"))
    assert "mine" in manifest_drift(more, CONFIG)[0]
    assert "enc" in manifest_drift(less, CONFIG)[0]


def test_environment_names_are_compared_but_for_proxies() -> None:
    manifest = dataclasses.replace(pod("kube-apiserver"), env_names=("https_proxy", "GOGC"))
    (sentence,) = manifest_drift(manifest, CONFIG)
    assert "GOGC" in sentence


def test_other_pods_have_no_drift() -> None:
    assert manifest_drift(dataclasses.replace(pod("etcd"), component="kube-vip"), CONFIG) == ()


@given(st.permutations(range(30)), st.sampled_from(COMPONENTS))
def test_the_order_of_flags_does_not_matter(order: list[int], component: str) -> None:
    manifest = edited(component, made_up="1")
    args = tuple(manifest.args[i] for i in order if i < len(manifest.args))
    args += manifest.args[30:]
    assert manifest_drift(dataclasses.replace(manifest, args=args), CONFIG) == manifest_drift(
        manifest, CONFIG
    )
