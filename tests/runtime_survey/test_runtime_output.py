"""What the runtimes' programs print, and what is made of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replank.domain.errors import Refused
from replank.inventory.facts.hosts import KubeletFacts
from replank.inventory.facts.kubernetes import ExtraArg
from replank.inventory.runtime.address_store import parse_store_files, store_dirs
from replank.inventory.runtime.cni_conf import parse_store
from replank.inventory.runtime.cni_socket import socket_need
from replank.inventory.runtime.containerd_process import ContainerdProcess, parse_containerd, serving
from replank.inventory.runtime.ctr_output import (
    parse_ctr_containers,
    parse_ctr_images,
    parse_ctr_version,
    parse_deprecations,
)
from replank.inventory.runtime.docker_info import parse_docker_info, parse_image_list, sandbox_image
from replank.inventory.runtime.endpoint import endpoint_of, runtime_of, shim_of
from replank.inventory.runtime.kept_text import holds_secret, text_file
from replank.inventory.runtime.mount_paths import reached
from replank.inventory.runtime.registry_logins import parse_login_names
from replank.inventory.runtime.units import parse_units
from replank.inventory.runtime.versions import Version
from replank.inventory.runtime.workload_kinds import (
    agent_of,
    builder_of,
    is_detector,
    network_of,
    version_of,
)

# As `ctr` of containerd 1.7.29 lays it out (tabwriter, one space between columns).
IMAGES = (
    "REF                                  TYPE                                                      DIGEST"
    "                                                                  SIZE      PLATFORMS   LABELS\n"
    f"registry.k8s.io/pause:3.10           application/vnd.oci.image.index.v1+json sha256:{'a' * 64} "
    "321.5 KiB linux/amd64,linux/arm64 io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned \n"
    f"registry.k8s.io/pause@sha256:{'a' * 64} application/vnd.oci.image.index.v1+json sha256:{'a' * 64} "
    "321.5 KiB linux/amd64 io.cri-containerd.image=managed \n"
    f"sha256:{'b' * 64} application/vnd.oci.image.index.v1+json sha256:{'a' * 64} "
    "321.5 KiB linux/amd64 io.cri-containerd.image=managed \n"
    f"docker.io/old/app:1 application/vnd.docker.distribution.manifest.v2+json sha256:{'c' * 64} "
    "1.5 GiB - io.containerd.image/converted-docker-schema1=application/x \n"
)


def test_the_three_names_of_an_image_are_one_image() -> None:
    pause, old = parse_ctr_images(IMAGES)
    assert pause.id == f"sha256:{'b' * 64}"
    assert pause.references == ("registry.k8s.io/pause:3.10",)
    assert pause.digests == (f"registry.k8s.io/pause@sha256:{'a' * 64}",)
    assert (pause.pinned, pause.schema1, pause.bytes) == (True, False, round(321.5 * 1024))
    assert (old.id, old.schema1, old.bytes) == (f"sha256:{'c' * 64}", True, round(1.5 * 2**30))


@pytest.mark.parametrize("text", ["", "ctr: cannot access\n", IMAGES + "a row that is none\n"])
def test_a_table_that_is_none_is_not_read_as_no_images(text: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_ctr_images(text)
    assert caught.value.code == "RP478"


def test_the_version_is_the_daemons_not_the_clients() -> None:
    text = "Client:\n  Version:  v2.3.5\n  Revision: x\n\nServer:\n  Version:  v1.7.29\n  Revision: y\n"
    assert parse_ctr_version(text) == "1.7.29"


def test_containers_of_others_with_what_runs() -> None:
    containers = (
        f"CONTAINER    IMAGE    RUNTIME\n{'d' * 64}    registry:2    io.containerd.runc.v2    \n"
        "x    -    io.containerd.runc.v2    \n"
    )
    tasks = f"TASK    PID    STATUS    \n{'d' * 64}    77    RUNNING\nx    78    STOPPED\n"
    found = parse_ctr_containers("default", containers, tasks)
    assert [(c.name, c.image, c.running) for c in found] == [
        ("default/dddddddddddd", "registry:2", True),
        ("default/x", "", False),
    ]
    with pytest.raises(Refused):
        parse_ctr_containers("default", containers, "nothing")


def test_deprecations_are_ids() -> None:
    assert parse_deprecations("") == ()
    assert parse_deprecations('[{"id": "b"}, {"id": "a"}]') == ("a", "b")
    with pytest.raises(Refused):
        parse_deprecations('{"id": "a"}')


def test_docker_without_a_daemon_is_no_docker() -> None:
    with pytest.raises(Refused) as caught:
        parse_docker_info('{"ServerVersion": "", "ServerErrors": ["Cannot connect"]}')
    assert caught.value.code == "RP478"


def test_images_without_a_tag_have_none() -> None:
    text = json.dumps(
        [{"Id": "sha256:1", "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"], "Size": 5}]
    )
    assert [(i.references, i.digests, i.bytes) for i in parse_image_list(text)] == [((), (), 5)]


def test_the_sandbox_image_is_that_of_most_sandboxes() -> None:
    label = "io.kubernetes.pod.uid=1,io.kubernetes.docker.type=podsandbox"
    rows = [("pause:3.9", label), ("pause:3.10", label), ("pause:3.10", label), ("web", "a=podsandbox")]
    text = "\n".join(json.dumps({"Image": image, "Labels": labels}) for image, labels in rows)
    assert sandbox_image(text) == "pause:3.10"
    assert sandbox_image("") == ""


def test_units_are_told_apart_and_environment_files_are_all_kept() -> None:
    text = (
        "Id=docker.service\nLoadState=loaded\nMainPID=7\nFragmentPath=/usr/lib/systemd/system/docker.service\n"
        "DropInPaths=/etc/systemd/system/docker.service.d/a.conf\n"
        "EnvironmentFiles=/etc/default/docker (ignore_errors=yes)\n"
        "EnvironmentFiles=/etc/proxy (ignore_errors=no)\n\nId=crio.service\nLoadState=not-found\nMainPID=0\n"
    )
    units = parse_units(text)
    assert units["docker.service"].environment_files == ("/etc/default/docker", "/etc/proxy")
    assert units["docker.service"].main_pid == "7"
    assert [p.rpartition("/")[2] for p in units["docker.service"].files] == ["docker.service", "a.conf"]
    assert not units["crio.service"].loaded
    assert units["crio.service"].main_pid == ""


@pytest.mark.parametrize(
    ("text", "path", "registries"),
    [
        (
            'auths": {\nreg.example:5000": {\ncredHelpers": {\nother": {',
            "/root/.docker/config.json",
            ["reg.example:5000"],
        ),
        ('reg.example": {', "/root/.dockercfg", ["reg.example"]),
        ('HttpHeaders": {\nproxies": {\ndefault": {\nauths": {', "/root/.docker/config.json", []),
        ("", "/root/.docker/config.json", []),
    ],
)
def test_of_logins_only_registries_are_told(text: str, path: str, registries: list[str]) -> None:
    assert [login.registry for login in parse_login_names(text, path=path)] == registries


def test_the_login_pattern_prints_no_value() -> None:
    """The very pattern that runs on the node, on a file as Docker writes it, and on one without line ends."""
    import re

    from replank.inventory.hosts.runtime_commands import REGISTRY_LOGINS

    pattern = REGISTRY_LOGINS.argv[3]
    document = {
        "auths": {"reg.example:5000": {"auth": "c2VjcmV0", "identitytoken": "x.y:z"}},
        "credsStore": "pass",
    }
    for text in (json.dumps(document, indent="\t"), json.dumps(document, separators=(",", ":"))):
        printed = "\n".join(re.findall(pattern, text))
        assert "c2VjcmV0" not in printed
        assert "x.y:z" not in printed
        assert [found.registry for found in parse_login_names(printed, path="/root/.docker/config.json")] == [
            "reg.example:5000"
        ]


def test_address_stores_are_those_that_the_configurations_name() -> None:
    conf = json.dumps(
        {"plugins": [{"type": "bridge", "ipam": {"type": "host-local", "dataDir": "/run/my-ipam/"}}]}
    )
    assert store_dirs((conf, "no json")) == ("/run/my-ipam", "/var/lib/cni/networks")


def test_a_store_is_read_with_its_own_line_ends() -> None:
    text = (
        "/run/my/cbr0/10.1.0.2\0abc\r\n/run/my/cbr0/10.1.0.2\0eth0\n"
        "/run/my/cbr0/fd00::2\0def\n/run/my/top\0x\n"
    )
    stored = parse_store(parse_store_files(text, folder="/run/my"))
    assert [(a.network, a.address, a.container, a.interface) for a in stored] == [
        ("cbr0", "10.1.0.2", "abc", "eth0"),
        ("cbr0", "fd00::2", "def", ""),
    ]
    with pytest.raises(Refused):
        parse_store_files("grep: what", folder="/run/my")


@pytest.mark.parametrize(
    ("path", "held"),
    [
        ("/var/run/docker.sock", "docker-socket"),
        ("/run//docker.sock", "docker-socket"),
        ("/var/run/dockershim.sock", "dockershim-socket"),
        ("/run/cri-dockerd.sock", "cri-dockerd-socket"),
        ("/run/containerd/containerd.sock", "containerd-socket"),
        ("/run/containerd", "containerd-socket"),
        ("/", "parent"),
        ("/var", "parent"),
        ("/var/run/", "parent"),
        ("/run", "parent"),
        ("/var/lib", "parent"),
        ("/var/lib/docker", "docker-data"),
        ("/var/lib/docker/overlay2", "docker-data"),
        ("/var/lib/docker/containers", "docker-logs"),
        ("/var/lib/docker/containers/abc", "docker-logs"),
        ("/var/lib/containerd/io.containerd.content.v1.content", "containerd-data"),
        ("/var/log", None),
        ("/var/lib/dockerish", None),
        ("/run/docker.sock.d", None),
        ("/var/running", None),
        ("/etc", None),
        ("/var/../run/docker.sock", "docker-socket"),
    ],
)
def test_what_a_host_path_reaches(path: str, held: str | None) -> None:
    assert reached(path) == held


@given(
    st.sampled_from(["/run/docker.sock", "/var/lib/docker/containers/x", "/run/containerd/containerd.sock"]),
    st.integers(0, 5),
)
def test_every_folder_above_is_seen(target: str, up: int) -> None:
    parts = target.split("/")
    path = "/".join(parts[: max(1, len(parts) - up)]) or "/"
    assert reached(path) is not None


@pytest.mark.parametrize(
    ("image", "network", "version"),
    [
        (
            "602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.11.4-eksbuild.1",
            "amazon-vpc-cni",
            "1.11.4",
        ),
        ("docker.io/calico/node:v3.30.3", "calico", "3.30.3"),
        ("quay.io/cilium/cilium:v1.18.2@sha256:abc", "cilium", "1.18.2"),
        ("registry.example.org:5000/mirror/flannel/flannel:v0.27", "flannel", "0.27"),
        ("registry.example.org/shop/web:latest", "", ""),
        ("quay.io/cilium/operator-generic:v1.18.2", "", "1.18.2"),
    ],
)
def test_cnis_are_told_by_their_images(image: str, network: str, version: str) -> None:
    assert (network_of(image), version_of(image)) == (network, version)


def test_agents_detectors_and_builders_are_told_by_their_images() -> None:
    assert agent_of("falcosecurity/falco-no-driver:0.41.0") == "Falco"
    assert agent_of("gcr.io/datadoghq/agent:7.60.0") == "Datadog"
    assert agent_of("registry.example.org/shop/agent:1") == ""
    assert is_detector("registry.k8s.io/node-problem-detector/node-problem-detector:v0.8.20")
    assert builder_of("docker:28-dind", docker_socket=False) == "dind"
    assert builder_of("gitlab/gitlab-runner:v18", docker_socket=True) == "docker-socket"
    assert builder_of("gitlab/gitlab-runner:v18", docker_socket=False) is None
    assert builder_of("gcr.io/kaniko-project/executor:v1.23", docker_socket=False) is None


@pytest.mark.parametrize(
    ("name", "version", "need"),
    [
        ("amazon-vpc-cni", "1.5.7", "docker"),
        ("amazon-vpc-cni", "1.6.0", "cri"),
        ("amazon-vpc-cni", "1.11.4", "cri"),
        ("amazon-vpc-cni", "1.12.0", "none"),
        ("amazon-vpc-cni", "", "unknown"),
        ("calico", "", "none"),
    ],
)
def test_whether_a_cni_asks_the_runtime(name: str, version: str, need: str) -> None:
    assert socket_need(name, version) == need


def kubelet(endpoint: str = "", config: str = "", **flags: str) -> KubeletFacts:
    named = {name.replace("_", "-"): value for name, value in flags.items()}
    if endpoint:
        named["container-runtime-endpoint"] = endpoint
    return KubeletFacts(
        flags=tuple(ExtraArg(name=name, value=value) for name, value in named.items()),
        config={"containerRuntimeEndpoint": config} if config else {},
    )


@pytest.mark.parametrize(
    ("facts", "version", "endpoint"),
    [
        (kubelet("unix:///a.sock", "unix:///b.sock"), (1, 34), "unix:///a.sock"),
        (kubelet(config="unix:///b.sock"), (1, 34), "unix:///b.sock"),
        (kubelet("/run/containerd/containerd.sock"), (1, 24), "unix:///run/containerd/containerd.sock"),
        (kubelet(), (1, 34), "unix:///run/containerd/containerd.sock"),
        (kubelet(network_plugin="cni"), (1, 23), "unix:///var/run/dockershim.sock"),
        (kubelet("unix:///a.sock", container_runtime="remote"), (1, 23), "unix:///a.sock"),
        (kubelet("unix:///a.sock"), (1, 23), "unix:///var/run/dockershim.sock"),
    ],
)
def test_the_endpoint_that_the_kubelet_uses(
    facts: KubeletFacts, version: tuple[int, int], endpoint: str
) -> None:
    assert endpoint_of(facts, Version(*version, 0)) == endpoint


def test_runtimes_are_told_by_their_socket() -> None:
    sockets = (
        "/run/cri-dockerd.sock",
        "/var/run/dockershim.sock",
        "/run/containerd/containerd.sock",
        "/var/run/crio/crio.sock",
        "/var/run/cri.sock",
    )
    assert [runtime_of(socket) for socket in sockets] == ["docker", "docker", "containerd", "cri-o", ""]
    assert [shim_of(socket) for socket in sockets[:3]] == ["cri-dockerd", "dockershim", ""]


def process(pid: str, *words: str) -> ContainerdProcess:
    return parse_containerd(pid, "\0".join(words).encode())


def test_dockers_own_containerd_is_not_the_systems() -> None:
    own = process("1", "containerd", "--config", "/var/run/docker/containerd/containerd.toml")
    system = process("2", "/usr/bin/containerd")
    other = process("3", "/opt/k3s/containerd", "-c", "/var/lib/k3s/config.toml")
    assert own.of_docker
    assert serving([own], "") is None
    assert serving([own, system], "") == system
    assert serving([own, system, other], "3") == other
    assert serving([system, other], "") is None, "nobody can tell which"
    assert (other.config, other.program, other.arguments) == (
        "/var/lib/k3s/config.toml",
        "/opt/k3s/containerd",
        (),
    )


@pytest.mark.parametrize(
    "text",
    [
        'Environment="HTTPS_PROXY=http://me:pw@proxy:3128"',
        'Environment="API_TOKEN=abcdefgh"',
        '{"splunk-token": "abc"}',
        'password = "x1y2z3"',
        "KUBELET_EXTRA_ARGS=--token=abc.def",
        "KUBELET_EXTRA_ARGS=--v=2 --token abc.def --x=1",
    ],
)
def test_a_secret_in_a_file_is_noticed(text: str) -> None:
    assert holds_secret(text)
    assert text_file("/etc/default/x", text, "0644").text is None


@pytest.mark.parametrize(
    "text",
    [
        'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/containerd/containerd.sock"',
        "KUBELET_EXTRA_ARGS=--authentication-token-webhook=true --tls-private-key-file=/var/lib/k.key",
        "ExecStart=/usr/bin/containerd\nKillMode=process",
        'registry-mirrors: "https://mirror.example.org"',
    ],
)
def test_what_is_named_like_a_secret_and_is_none_is_kept(text: str) -> None:
    assert not holds_secret(text)
    assert text_file("/etc/default/x", text, "0644").text == text


def test_a_yaml_with_a_field_that_may_be_a_secret_is_not_kept() -> None:
    kept = text_file(
        "/var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\nstaticPodURLHeader: {a: [b]}\n", "0644"
    )
    assert kept.text is None
    assert "staticPodURLHeader" in kept.why_not


PARSERS: dict[str, Callable[[str], object]] = {
    "ctr images": parse_ctr_images,
    "ctr version": parse_ctr_version,
    "ctr containers": lambda text: parse_ctr_containers("x", text, text),
    "ctr deprecations": parse_deprecations,
    "docker info": parse_docker_info,
    "docker images": parse_image_list,
    "docker ps": sandbox_image,
    "systemctl show": parse_units,
    "logins": lambda text: parse_login_names(text, path="/root/.dockercfg"),
    "address store": lambda text: parse_store(parse_store_files(text, folder="/run/my")),
    "store dirs": lambda text: store_dirs((text,)),
    "kept text": lambda text: text_file("/etc/default/x", text, "0644"),
    "kept yaml": lambda text: text_file("/etc/x.yaml", text, "0644"),
    "host path": reached,
    "image": lambda text: (network_of(text), agent_of(text), version_of(text)),
}
_WORDS = st.sampled_from(
    (
        *("REF", "TASK", "CONTAINER", "Server:", "Version:", "v1.7.29", "{", "}", "[", "]", "null", '"a"'),
        *(":", "\n", " ", "\0", "sha256:" + "a" * 64, "1.5 GiB", "9.9 KB", "Id=x", "=", "auths"),
        "/run/my/n/10.0.0.1",
    )
)


@pytest.mark.parametrize("name", sorted(PARSERS))
@given(text=st.one_of(st.text(), st.lists(_WORDS).map("".join), st.lists(_WORDS).map(" ".join)))
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    """A parser that fails otherwise would end the survey of a whole cluster."""
    with contextlib.suppress(Refused):
        PARSERS[name](text)
