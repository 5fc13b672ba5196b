"""What machines say, and what replank makes of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import pytest
from host_machines import certificate, fixture, kubeconfig
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Refused, ReplankError
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import FileFact
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.hosts.addresses import parse_virtual_addresses
from replank.inventory.hosts.certificates import parse_certificates, parse_kubeconfig_certificates
from replank.inventory.hosts.command_line import flag_value, parse_flags
from replank.inventory.hosts.etcd_members import etcd_access, parse_members, parse_status
from replank.inventory.hosts.kubelet import (
    environment_flags,
    parse_config,
    parse_drop_ins,
    parse_environment,
    parse_instance_config,
    parse_pid,
    parse_process,
    parse_server,
)
from replank.inventory.hosts.leftovers import candidates, parse_dpkg_owned, parse_rpm_owned, without_owned
from replank.inventory.hosts.listing import parse_hash, parse_listing, parse_stat
from replank.inventory.hosts.origin import judge_origin, parse_count
from replank.inventory.hosts.os_release import parse_os_release
from replank.inventory.hosts.packages import parse_dpkg, parse_rpm, parse_runtime
from replank.inventory.hosts.referenced_files import file_references
from replank.inventory.hosts.static_pods import host_path, parse_static_pod

COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
LIST = "/var/lib/dpkg/info/kubelet.list"


def pod(name: str):
    return parse_static_pod(fixture(name), path=f"/etc/kubernetes/manifests/{name.split('/')[-1]}")


# Static pods


@pytest.mark.parametrize("component", COMPONENTS)
def test_flags_are_kept_in_the_order_of_the_manifest(component: str) -> None:
    text = fixture(f"kubeadm/{component}.yaml")
    written = [line.strip()[4:] for line in text.splitlines() if line.strip().startswith("- --")]
    parsed = pod(f"kubeadm/{component}.yaml")
    assert parsed.component == component
    assert [f"{arg.name}={arg.value}" for arg in parsed.args] == written


def test_environment_values_are_not_kept() -> None:
    parsed = pod("kubeadm/kube-apiserver.yaml")
    assert parsed.env_names == ("NO_PROXY",)
    assert "planted" not in repr(parsed)


def test_a_pod_that_is_no_component_keeps_no_arguments() -> None:
    parsed = pod("kubespray/kube-vip.yaml")
    assert parsed.component == "kube-vip"
    assert parsed.image == "ghcr.io/kube-vip/kube-vip:v0.8.0"
    assert parsed.args == ()
    assert "planted" not in repr(parsed)


def test_a_copy_under_another_name_is_still_the_component_it_runs() -> None:
    text = fixture("kubeadm/kube-apiserver.yaml")
    assert parse_static_pod(text, path="/etc/kubernetes/manifests/old.bak").component == "kube-apiserver"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "kind: Pod", "kind: Secret\nspec: {containers: [{name: x}]}", "a: [", "\x00", "a: &a [*a]"],
)
def test_what_is_no_pod_is_refused(text: str) -> None:
    with pytest.raises(Refused) as error:
        parse_static_pod(text, path="/etc/kubernetes/manifests/x.yaml")
    assert error.value.code == "RP085"
    assert "/etc/kubernetes/manifests/x.yaml" in error.value.reason


def test_an_exploding_document_is_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(f'*{old}' for _ in range(9))}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(Refused):
        parse_static_pod(bomb, path="/x")


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["x", "--a=1", "--b", "2", "-v", "3", "--c"], [("a", "1"), ("b", "2"), ("v", "3"), ("c", "true")]),
        (["--a", "--b=x=y"], [("a", "true"), ("b", "x=y")]),
        (["--a="], [("a", "")]),
        (["--", "-", "x"], []),
    ],
)
def test_flags_are_read_as_pflag_reads_them(words: list[str], flags: list[tuple[str, str]]) -> None:
    assert parse_flags(words) == tuple(ExtraArg(name=name, value=value) for name, value in flags)


def test_the_last_of_equal_flags_counts() -> None:
    assert flag_value(parse_flags(["--a=1", "--a=2"]), "a") == "2"


# Files behind flags


def test_a_file_is_named_by_its_path_on_the_host() -> None:
    references = file_references([pod("kubeadm/kube-apiserver.yaml")], pki_dirs=["/etc/kubernetes/pki"])
    assert [(r.flag, r.path, r.purpose, r.secret) for r in references] == [
        ("audit-policy-file", "/opt/kubernetes/audit/policy.yaml", "audit", False),
        ("encryption-provider-config", "/etc/kubernetes/enc/enc.yaml", "encryption", True),
    ]


def test_kubespray_encryption_file_is_found_inside_the_certificates_directory() -> None:
    dirs = ["/etc/kubernetes/ssl", "/etc/ssl/etcd/ssl"]
    references = file_references([pod("kubespray/kube-apiserver.yaml")], pki_dirs=dirs)
    assert [(r.flag, r.secret) for r in references] == [("encryption-provider-config", True)]


def test_certificates_outside_the_pki_directories_are_files_to_carry_along() -> None:
    references = file_references([pod("kubespray/kube-apiserver.yaml")], pki_dirs=["/etc/kubernetes/ssl"])
    assert {r.flag: r.secret for r in references if r.flag.startswith("etcd")} == {
        "etcd-cafile": False,
        "etcd-certfile": False,
        "etcd-keyfile": True,
    }


def test_own_kubeconfigs_are_not_listed_and_foreign_ones_are_secret() -> None:
    manager = pod("kubeadm/kube-controller-manager.yaml")
    assert file_references([manager], pki_dirs=["/etc/kubernetes/pki"]) == ()
    args = (ExtraArg(name="kubeconfig", value="/home/ops/manager.conf"),)
    other = dataclasses.replace(manager, args=args)
    assert [(r.purpose, r.secret) for r in file_references([other], pki_dirs=[])] == [("kubeconfig", True)]


def test_every_part_of_an_sni_pair_is_a_file() -> None:
    args = (ExtraArg(name="tls-sni-cert-key", value="/a/x.crt,/a/x.key:foo.example"),)
    api = dataclasses.replace(pod("kubeadm/kube-apiserver.yaml"), args=args, volumes=())
    assert {r.path for r in file_references([api], pki_dirs=[])} == {"/a/x.crt", "/a/x.key"}


def test_the_deepest_mount_wins() -> None:
    api = pod("kubeadm/kube-apiserver.yaml")
    assert host_path(api, "/etc/kubernetes/audit/policy.yaml") == "/opt/kubernetes/audit/policy.yaml"
    assert host_path(api, "/etc/kubernetes/auditing") == "/etc/kubernetes/auditing"


# Certificates


def test_every_certificate_of_a_file_is_read_and_keys_are_passed_over() -> None:
    text = certificate("leaf") + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    found = parse_certificates(text + certificate("ca", ca=True), path="/x.crt")
    assert [(c.subject, c.is_ca) for c in found] == [("CN=leaf", False), ("CN=ca", True)]
    assert found[0].not_after == "2036-01-01T00:00:00Z"
    assert found[0].dns_names == ("api.example", "kubernetes.default")
    assert found[0].ip_addresses == ("10.0.0.11",)
    assert len(found[0].sha256) == 64


def test_a_kubeconfig_gives_its_client_certificate_only() -> None:
    (found,) = parse_kubeconfig_certificates(kubeconfig("https://x:6443").decode(), path="/admin.conf")
    assert found.subject == "CN=kubernetes-admin"


@pytest.mark.parametrize(
    "broken", [lambda t: t[:-40], lambda t: t.replace("M", "!"), lambda t: t[:60] + t[80:]]
)
def test_a_damaged_certificate_is_an_error_that_names_its_file(broken) -> None:
    with pytest.raises(Refused) as error:
        parse_certificates(broken(certificate()), path="/etc/kubernetes/pki/apiserver.crt")
    assert error.value.code == "RP086"
    assert "apiserver.crt" in error.value.reason


# Kubelet


def test_kubespray_environment_gives_the_kubelets_flags() -> None:
    flags = environment_flags(parse_environment(fixture("kubespray/kubelet.env"), path="/x"))
    assert flag_value(flags, "hostname-override") == "node1"
    assert flag_value(flags, "config") == "/etc/kubernetes/kubelet-config.yaml"
    assert flag_value(flags, "cloud-provider") == "external"


def test_kubeadm_environment_gives_the_kubelets_flags_and_extra_ones_win() -> None:
    flags_env = (
        'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock '
        '--node-ip=10.0.0.1"\n'
    )
    variables = parse_environment(flags_env, path="/x") | parse_environment(
        "# local\nKUBELET_EXTRA_ARGS=--node-ip=10.0.0.2\n", path="/y"
    )
    assert flag_value(environment_flags(variables), "node-ip") == "10.0.0.2"


def test_words_of_a_process_keep_their_spaces() -> None:
    assert parse_process(b"kubelet\0--node-labels=a=b c\0--v=2\0") == (
        ExtraArg(name="node-labels", value="a=b c"),
        ExtraArg(name="v", value="2"),
    )


def test_a_header_with_a_token_is_not_kept() -> None:
    config = parse_config(fixture("kubeadm/kubelet-config.yaml"), path="/x")
    assert config["cgroupDriver"] == "systemd"
    assert "planted" not in json.dumps(config)


@pytest.mark.parametrize("text", ["kind: Secret", "- a", "kind: KubeletConfiguration\nx: 2026-01-01"])
def test_what_is_no_kubelet_configuration_is_refused(text: str) -> None:
    with pytest.raises(Refused) as error:
        parse_config(text, path="/x")
    assert error.value.code == "RP087"


def test_the_instance_configuration_that_kubeadm_writes_has_no_kind() -> None:
    text = 'containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock"\n'
    assert parse_instance_config(text, path="/x") == {
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock"
    }
    header = "staticPodURLHeader:\n  Authorization: [planted]\n"
    assert parse_instance_config(header, path="/x") == {}
    with pytest.raises(Refused) as error:
        parse_instance_config("- a", path="/x")
    assert error.value.code == "RP087"


def test_small_answers_of_the_system() -> None:
    assert parse_server("    server: https://10.0.0.5:6443\n") == "https://10.0.0.5:6443"
    assert parse_server("    server: https://user:secret@10.0.0.5:6443\n") == ""
    assert parse_drop_ins("DropInPaths=/a/10.conf /b/20.conf\n") == ("/a/10.conf", "/b/20.conf")
    assert parse_drop_ins("DropInPaths=\n") == ()
    assert parse_pid("812\n") == "812"
    assert parse_pid("") is None
    assert parse_os_release('NAME=Ubuntu\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n') == "Ubuntu 24.04.1 LTS"


# etcd


def test_member_ids_are_hexadecimal_as_etcdctl_prints_them() -> None:
    answer = {
        "members": [
            {"ID": "10276657743932975437", "name": "cp-1", "peerURLs": ["https://a:2380"], "isLearner": True},
            {"ID": "18446744073709551615", "name": "", "peerURLs": ["https://b:2380"]},
        ]
    }
    members = parse_members(json.dumps(answer))
    assert [(m.name, m.id, m.learner) for m in members] == [
        ("", "ffffffffffffffff", False),
        ("cp-1", "8e9e05c52164694d", True),
    ]


@pytest.mark.parametrize(
    ("status", "healthy"),
    [
        ({"leader": "7"}, True),
        ({"leader": "0"}, False),
        ({}, False),
        ({"leader": "7", "errors": ["memberID:7 alarm:NOSPACE"]}, False),
    ],
)
def test_etcd_is_healthy_with_a_leader_and_without_errors(status: dict, healthy: bool) -> None:
    assert parse_status(json.dumps({"version": "3.6.5", **status}), ()).healthy is healthy


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"members": []}', '{"members": [{"ID": "x"}]}', "404 not found"]
)
def test_a_strange_answer_is_not_an_empty_member_list(text: str) -> None:
    with pytest.raises(Refused) as error:
        parse_members(text)
    assert error.value.code == "RP088"


def test_external_etcd_is_asked_at_every_endpoint_with_the_api_servers_certificate() -> None:
    ways = etcd_access((pod("kubespray/kube-apiserver.yaml"),))
    assert [way["url"] for way in ways] == [f"https://10.0.1.2{n}:2379" for n in (1, 2, 3)]
    assert ways[0]["key"] == "/etc/ssl/etcd/ssl/node-node1-key.pem"


# Packages, leftovers, addresses


def test_a_hold_is_seen_and_removed_packages_are_not() -> None:
    text = "hi \tkubelet\t1.34.4-1.1\nii \tkubeadm\t1.34.4-1.1\nrc \tdocker.io\t24.0\nii \tbash\t5.2\n"
    assert [(p.name, p.held) for p in parse_dpkg(text)] == [("kubeadm", False), ("kubelet", True)]


def test_a_version_lock_holds_exactly_its_package() -> None:
    text = "kubelet\t1.34.4-1\nkubeadm\t1.34.4-1\nkubectl\t1.34.4-1\n"
    locks = "# comment\nkubelet-0:1.34.4-150500.1.1.*\n!kubectl-1.35*\n"
    assert {p.name: p.held for p in parse_rpm(text, locks)} == {
        "kubelet": True,
        "kubeadm": False,
        "kubectl": False,
    }


@pytest.mark.parametrize(
    ("line", "runtime"),
    [
        ("containerd github.com/containerd/containerd v1.7.24 88bf19b", "containerd://1.7.24"),
        ("containerd containerd.io 1.6.33 d2d58213", "containerd://1.6.33"),
        ("Docker version 24.0.7, build afdd53b", "docker://24.0.7"),
        ("crio version 1.31.2\nGitCommit: x", "cri-o://1.31.2"),
    ],
)
def test_runtimes_are_named_as_nodes_name_them(line: str, runtime: str) -> None:
    assert parse_runtime(line) == runtime


def test_only_what_no_package_owns_is_left_over() -> None:
    def file(path: str) -> FileFact:
        return FileFact(path=path, mode="0644", owner="root", group="root", size=1)

    cron = [file(p) for p in ("/etc/cron.d/backup", "/etc/cron.d/sysstat", "/etc/crontab", "/etc/pam.d/cron")]
    units = [
        file(f"/etc/systemd/system/{name}")
        for name in ("tune.service", "kubelet.service.d/20-x.conf", "snap.lxd.daemon.service", "notes.txt")
    ]
    items = candidates(cron, units)
    owned = parse_dpkg_owned("sysstat: /etc/cron.d/sysstat\n")
    assert [item.name for item in without_owned(items, owned)] == [
        "backup",
        "kubelet.service.d/20-x.conf",
        "tune.service",
    ]
    assert parse_rpm_owned("/etc/cron.d/x\nfile /y is not owned by any package\n") == {"/etc/cron.d/x"}


def test_the_vip_is_told_from_the_addresses_of_cni_and_kube_proxy() -> None:
    assert parse_virtual_addresses(fixture("kubespray/ip-addr.txt")) == ("10.0.1.250",)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["2: eth0    inet 10.0.0.5/32 scope global dynamic eth0"], ()),
        (["2: eth0    inet 10.0.0.5/32 scope global eth0"], ()),
        (["2: eth0    inet 10.0.0.5/24 scope global eth0"], ()),
        (["1: lo    inet 10.9.9.9/32 scope global lo"], ("10.9.9.9",)),
        (
            [
                "2: eth0    inet 10.0.0.5/24 scope global eth0",
                "2: eth0    inet 10.0.0.9/24 scope global secondary eth0",
            ],
            ("10.0.0.9",),
        ),
        (
            [
                "2: eth0    inet6 fd00::5/64 scope global eth0",
                "2: eth0    inet6 fd00::9/128 scope global eth0",
                "2: eth0    inet6 fd00::7/128 scope global dynamic eth0",
            ],
            ("fd00::9",),
        ),
    ],
)
def test_an_own_address_is_never_called_virtual(lines: list[str], expected: tuple[str, ...]) -> None:
    assert parse_virtual_addresses("\n".join(lines)) == expected


# Who set Kubernetes up


@pytest.mark.parametrize(
    ("lines", "times", "log", "kubespray", "expected"),
    [
        (3, "", "", False, True),
        (3, "", "", True, True),
        (0, "", "", True, False),
        (0, f"0 200 200 {KEY}\n0 100 100 {LIST}\n", "", False, True),
        (
            0,
            f"0 200 200 {KEY}\n0 300 300 {LIST}\n",
            "2026-01-02 12:00:00 install kubelet:amd64 <none> 1.34.4-1.1\n",
            False,
            False,
        ),
    ],
)
def test_the_origin_is_judged_on_evidence(lines, times, log, kubespray, expected) -> None:
    assert judge_origin(lines, times, log, kubespray=kubespray) is expected


@pytest.mark.parametrize(
    ("times", "log"),
    [
        ("", ""),
        (f"0 200 200 {KEY}\n", ""),
        (f"0 200 200 {KEY}\n0 300 300 {LIST}\n", ""),
        (
            f"0 200 200 {KEY}\n0 300 300 {LIST}\n",
            "2026-01-02 12:00:00 install kubelet:amd64 <none> 1\n"
            "2026-02-02 12:00:00 upgrade kubelet:amd64 1\n",
        ),
        (f"0 0 0 {KEY}\n0 0 0 {LIST}\n", ""),
    ],
)
def test_without_evidence_the_origin_is_unknown(times: str, log: str) -> None:
    assert isinstance(judge_origin(0, times, log, kubespray=False), Unknown)


# A real machine: Debian 12, kubelet and unit put there by Ansible after boot. A file that is copied keeps its
# time of modification, here 1970.
ANSIBLE = """\
1795647357 1795647357 1795647357 /etc/ssh/ssh_host_ed25519_key.pub
1795647357 1795647357 1795647357 /var/lib/cloud/instance/sem/config_ssh
1795647361 1795647361 1795647361 /var/lib/cloud/instance/boot-finished
1795647443 1795647443 0 /usr/bin/kubelet
1795647452 1795647464 1795647464 /etc/kubernetes
1795647453 1795647454 1795647453 /etc/systemd/system/kubelet.service
"""


def judged(times: str) -> object:
    return judge_origin(0, times, "", kubespray=False)


def test_what_was_born_after_the_boot_was_not_brought_by_the_image() -> None:
    assert judged(ANSIBLE) is False


def test_a_reboot_hides_the_end_of_the_first_boot_unless_a_module_left_its_mark() -> None:
    rebooted = ANSIBLE.replace("1795647361 1795647361 1795647361", "1800000000 1800000000 1800000000")
    assert isinstance(judged(rebooted), Unknown)
    mark = "1795647360 1795647360 1795647360 /var/lib/cloud/instance/sem/config_keys_to_console\n"
    assert judged(rebooted + mark) is False


def test_a_kubelet_that_is_older_than_the_first_boot_is_the_images() -> None:
    kubelet = "1795647443 1795647443 0 /usr/bin/kubelet"
    assert judged(ANSIBLE.replace(kubelet, "1795644000 1795650000 0 /usr/bin/kubelet")) is True
    # No birth time, but nobody has touched it since: an old stat, or a file system without births.
    for unborn in ("0", "-"):
        assert judged(ANSIBLE.replace(kubelet, f"{unborn} 1795644000 0 /usr/bin/kubelet")) is True
        assert isinstance(
            judged(ANSIBLE.replace(kubelet, f"{unborn} 1795647443 0 /usr/bin/kubelet")), Unknown
        )


def test_a_host_key_that_the_image_brought_is_no_first_boot() -> None:
    """The package is younger than the key, and older than what cloud-init left at the instance's own boot."""
    times = f"0 100 100 {KEY}\n0 300 300 /var/lib/cloud/instance/sem/config_ssh\n0 200 200 {LIST}\n"
    log = "2026-01-02 12:00:00 install kubelet:amd64 <none> 1.34.4-1.1\n"
    assert isinstance(judge_origin(0, times, log, kubespray=False), Unknown)


@pytest.mark.parametrize(
    "line",
    [
        "1795644000 1795647464 1795647464 /etc/kubernetes",
        "1795644000 1795647454 1795647453 /etc/systemd/system/kubelet.service",
    ],
)
def test_an_upgrade_of_the_images_kubelet_is_no_installation(line: str) -> None:
    path = line.rpartition(" ")[2]
    others = [found for found in ANSIBLE.splitlines() if not found.endswith(path)]
    assert isinstance(judged("\n".join([*others, line])), Unknown)


def test_without_a_trace_of_the_boot_or_of_the_kubelet_nothing_is_judged() -> None:
    for missing in ("boot-finished", "/usr/bin/kubelet", "/etc/kubernetes"):
        left = [line for line in ANSIBLE.splitlines() if not line.endswith(missing)]
        assert isinstance(judged("\n".join(left)), Unknown)


# Everything that reads text from a machine

PARSERS = (
    lambda text: parse_static_pod(text, path="/x"),
    lambda text: parse_certificates(text, path="/x"),
    lambda text: parse_kubeconfig_certificates(text, path="/x"),
    lambda text: parse_environment(text, path="/x"),
    lambda text: environment_flags(parse_environment(text, path="/x")),
    lambda text: parse_config(text, path="/x"),
    lambda text: parse_instance_config(text, path="/x"),
    lambda text: parse_process(text.encode()),
    parse_server,
    parse_drop_ins,
    parse_pid,
    parse_members,
    lambda text: parse_status(text, ()),
    parse_listing,
    lambda text: parse_stat(text, path="/x"),
    parse_hash,
    parse_dpkg,
    lambda text: parse_rpm(text, text),
    parse_runtime,
    parse_dpkg_owned,
    parse_virtual_addresses,
    parse_count,
    parse_os_release,
    lambda text: judge_origin(0, text, text, kubespray=False),
)
FRAGMENTS = st.sampled_from(
    [
        *(
            "-----BEGIN CERTIFICATE-----",
            "-----END CERTIFICATE-----",
            "client-certificate-data: ",
            "MIIB",
            "=",
        ),
        *(
            "kind: Pod\n",
            "kind: KubeletConfiguration\n",
            "spec:\n",
            "  containers:\n",
            "  - name: x\n",
            "&a ",
            "*a",
        ),
        *(
            '{"members": [',
            '{"ID": "',
            '"version": "',
            "]}",
            "0",
            "9",
            "|",
            "\t",
            "\n",
            "\0",
            "ii ",
            "KUBELET_ARGS=",
        ),
        *(
            '"',
            "'",
            "\\\n",
            "server: https://",
            "2: eth0    inet ",
            "/33",
            "10.0.0.1",
            " scope global",
            "!!binary ",
        ),
        *(
            "? ",
            "- ",
            ": ",
            "[",
            "{",
            "}",
            "!!python/object:os.system ",
            "0x",
            "1e999",
            ".inf",
            "2026-99-99",
            "<<: ",
        ),
        certificate()[:200],
        certificate(),
    ]
)
FILES = [
    *(fixture(f"kubeadm/{name}.yaml") for name in ("etcd", "kubelet-config")),
    *(fixture(f"kubespray/{name}") for name in ("kubelet.env", "ip-addr.txt")),
    certificate(),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A real file with a piece of it replaced."""
    text = draw(st.sampled_from(FILES))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    return text[:start] + draw(st.one_of(st.text(max_size=5), FRAGMENTS)) + text[end:]


TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=12).map("".join), damaged())


@pytest.mark.parametrize("parser", PARSERS, ids=range(len(PARSERS)))
@given(text=TEXTS)
def test_parsers_raise_nothing_but_replanks_own_errors(parser, text: str) -> None:
    with contextlib.suppress(ReplankError):
        parser(text)
