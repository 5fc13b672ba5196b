"""The runtime of a node over SSH: everything is read, each fault stays where it is, no secret comes along."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from survey_site import CONTROL_PLANE, ON_CONTAINERD, ON_DOCKER, SwapSite, swap_site

from replank.domain.unknown import Unknown, is_known
from replank.inventory.hosts import commands
from replank.inventory.hosts import runtime_commands as runtime
from replank.inventory.hosts.command import Call
from replank.inventory.runtime.containerd_process import ContainerdProcess
from replank.inventory.runtime.facts import NodeRuntime
from replank.testbed.serve.ssh_faults import SshFault
from replank.testbed.world import FileEntry
from replank.transports.hosts.runtime.containerd import read_configuration
from replank.transports.hosts.session import HostSession, Output

SOCKET = runtime.CONTAINERD_SOCKET


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SwapSite]:
    with swap_site(tmp_path) as place:
        yield place


def unknown(node: NodeRuntime) -> dict[str, str]:
    facts = {field.name: getattr(node, field.name) for field in fields(NodeRuntime)}
    return {name: fact.code for name, fact in facts.items() if isinstance(fact, Unknown)}


def test_a_node_on_docker_is_read_whole(site: SwapSite) -> None:
    node = site.read(ON_DOCKER)
    assert unknown(node) == {}
    assert (node.name, node.version, node.shim) == ("docker", "28.5.2", "cri-dockerd")
    assert node.endpoint == "unix:///run/cri-dockerd.sock"
    assert (node.storage_driver, node.data_root, node.state_dir) == (
        "overlay2",
        "/var/lib/docker",
        "/var/run/docker",
    )
    assert (node.cgroup_driver, node.cgroup_version, node.selinux) == ("systemd", "v2", "disabled")
    assert node.sandbox_image == "registry.k8s.io/pause:3.10"
    assert is_known(node.docker)
    assert node.docker is not None
    assert {setting.key for setting in node.docker.settings} >= {"log-opts", "registry-mirrors", "containerd"}
    assert is_known(node.images)
    assert sorted(image.references for image in node.images) == [(), ("registry.k8s.io/pause:3.10",)]
    assert is_known(node.other_containers)
    assert [(other.name, other.running) for other in node.other_containers] == [("old-registry", True)]
    assert is_known(node.addresses)
    assert [(a.network, a.address, a.interface) for a in node.addresses] == [("cbr0", "10.244.7.3", "eth0")]
    assert is_known(node.docker_users)
    assert {(user.path, user.line, user.word) for user in node.docker_users} == {
        ("/etc/cron.d/docker-prune", 3, "0"),
        ("/usr/local/bin/backup.sh", 2, "docker"),
    }
    assert is_known(node.proxies)
    assert [(proxy.name, proxy.value, proxy.login) for proxy in node.proxies] == [
        ("HTTP_PROXY", "http://proxy.example.org:3128", True)
    ]
    assert is_known(node.containerd)
    assert node.containerd is not None, "dockerd works on the system's containerd"


@pytest.mark.parametrize("name", [ON_CONTAINERD, CONTROL_PLANE])
def test_a_node_on_containerd_is_read_whole(site: SwapSite, name: str) -> None:
    node = site.read(name)
    assert unknown(node) == {}
    assert (node.name, node.version, node.shim) == ("containerd", "1.7.29", "")
    assert (node.storage_driver, node.data_root, node.state_dir) == (
        "overlayfs",
        "/var/lib/containerd",
        "/run/containerd",
    )
    assert node.cgroup_driver == "systemd"
    assert node.sandbox_image == "registry.k8s.io/pause:3.10"
    assert is_known(node.containerd)
    assert node.containerd is not None
    assert is_known(node.containerd.dump)
    assert node.containerd.dump.secret
    assert is_known(node.registry_hosts)
    assert [hosts.namespace for hosts in node.registry_hosts] == ["registry.example.org"]
    assert is_known(node.daemon)
    assert node.daemon is not None
    assert node.daemon.shim.path == "/usr/bin/containerd-shim-runc-v2"
    assert is_known(node.registry_logins)
    assert {login.registry for login in node.registry_logins} == {
        "registry.example.org",
        "registry.example.org:5000",
    }
    assert node.docker is None


def test_a_node_without_crictl_gives_the_same_kind_of_images(site: SwapSite) -> None:
    with_it, without = site.read(CONTROL_PLANE), site.read(ON_CONTAINERD)
    assert is_known(with_it.images)
    assert is_known(without.images)
    pause = [next(i for i in node if i.references) for node in (with_it.images, without.images)]
    assert [image.pinned for image in pause] == [True, True]
    web = next(i for i in without.images if i.references == ("registry.example.org/shop/web:2.4.1",))
    assert web.id == f"sha256:{'6' * 64}", "the CRI's ID, not the manifest's digest"
    assert len(web.digests) == 1
    assert without.image_bytes == sum(image.bytes for image in without.images)


def test_nothing_that_is_not_on_the_list_is_run_and_nothing_is_written(site: SwapSite) -> None:
    before = {name: dict(site.machine(name).files) for name in (ON_DOCKER, ON_CONTAINERD)}
    for name in before:
        site.read(name)
        assert site.machine(name).files == before[name]
    assert site.twin.ssh.strange_commands == []
    listed = {command.argv[0] for command in runtime.RUNTIME_COMMANDS}
    ran = {line.removeprefix("sudo -n ").split()[0] for _, line in site.twin.ssh.commands}
    assert ran <= listed | {"/usr/bin/containerd"}


def test_no_planted_secret_is_in_the_facts(site: SwapSite) -> None:
    text = "".join(repr(site.read(name)) for name in (ON_DOCKER, ON_CONTAINERD, CONTROL_PLANE))
    assert len(text) > 5000
    assert [secret for secret in site.twin.world.planted_secrets if secret in text] == []


def test_a_file_that_holds_a_secret_has_no_hash(site: SwapSite) -> None:
    """A password could be guessed by the hash of the file around it."""
    node = site.read(ON_DOCKER)
    assert is_known(node.files)
    hashes = {file.path: file.sha256 for file in node.files}
    assert hashes["/etc/docker/daemon.json"] == ""
    assert hashes["/etc/systemd/system/docker.service.d/proxy.conf"] == ""
    assert len(hashes["/usr/lib/systemd/system/docker.service"]) == 64
    assert is_known(node.containerd)
    assert node.containerd is not None
    assert node.containerd.files[0].sha256 == ""


def test_what_sudo_refuses_is_unknown_and_never_a_default(site: SwapSite) -> None:
    site.machine(ON_DOCKER).sudo = False
    node = site.read(ON_DOCKER)
    told = unknown(node)
    assert set(told.values()) == {"RP066"}
    assert {"docker", "images", "crictl", "docker_users", "registry_logins", "other_containers"} <= set(told)
    assert (node.kernel, node.cgroup_version) == ("6.8.0-79-generic", "v2"), "these need no root"


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (("docker info",), {"version", "storage_driver", "data_root", "cgroup_driver", "disk"}),
        (("docker ps",), {"other_containers"}),
        (("images/json",), {"images", "image_bytes"}),
        (("daemon.json",), {"docker", "files", "state_dir"}),
        (("grep -rnIws",), {"docker_users"}),
        (("crictl.yaml",), {"crictl"}),
        (("/root/.docker",), {"registry_logins"}),
        (("10-calico",), {"cni", "addresses"}),
        (("environ",), {"daemon"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_one_refused_command_leaves_all_other_facts(
    site: SwapSite, words: tuple[str, ...], facts: set[str]
) -> None:
    site.twin.ssh.faults[site.machine(ON_DOCKER).address] = SshFault(sudo_refuses=words)
    told = unknown(site.read(ON_DOCKER))
    assert set(told) == facts


@pytest.mark.parametrize(
    ("path", "content", "facts", "code"),
    [
        ("/etc/docker/daemon.json", b"{", {"docker", "state_dir"}, "RP470"),
        ("/etc/cni/net.d/10-calico.conflist", b"{}", {"cni"}, "RP477"),
        ("/etc/containerd/certs.d/registry.example.org/hosts.toml", b"x=", {"registry_hosts"}, "RP475"),
        ("/etc/containerd/config.toml", b"version = 9", {"containerd", "registry_logins"}, "RP473"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_file_is_told_by_its_code(
    site: SwapSite, path: str, content: bytes, facts: set[str], code: str
) -> None:
    site.machine(ON_DOCKER).files[path].content = content
    assert unknown(site.read(ON_DOCKER)) == dict.fromkeys(facts, code)


def test_strange_output_is_unknown(site: SwapSite) -> None:
    machine = site.machine(ON_CONTAINERD)
    machine.commands[runtime.CTR_VERSION.call(path=SOCKET).line] = "Client:\n  Version:  v1.7.29\n"
    machine.commands[runtime.CGROUP.call().line] = "ext4\n"
    told = unknown(site.read(ON_CONTAINERD))
    assert told["version"] == told["cgroup_version"] == "RP478"
    assert told["data_root"] == "RP478", "what the files mean depends on the version"


def test_a_daemon_that_does_not_tell_what_is_in_force_is_read_by_its_files(site: SwapSite) -> None:
    machine = site.machine(ON_CONTAINERD)
    dump = runtime.CONFIG_DUMP.call(containerd="/usr/bin/containerd", path=runtime.CONFIG_TOML)
    del machine.commands[dump.line]
    node = site.read(ON_CONTAINERD)
    assert is_known(node.containerd)
    assert node.containerd is not None
    assert isinstance(node.containerd.dump, Unknown)
    assert node.cgroup_driver == "systemd"


def test_the_configuration_of_the_daemon_that_runs_is_read(site: SwapSite) -> None:
    """Not the one in the usual place, and by the program that runs."""
    machine = site.machine(ON_CONTAINERD)
    words = b"/opt/swap/containerd\0--config\0/opt/swap/config.toml\0--log-level\0debug\0"
    machine.files["/proc/611/cmdline"].content = words
    machine.files["/opt/swap/config.toml"] = FileEntry(
        b'version = 2\nroot = "/data/containerd"\nimports = ["/opt/swap/conf.d/*.toml"]\n'
    )
    machine.files["/opt/swap/conf.d/20-more.toml"] = FileEntry(b'version = 2\nstate = "/run/other"\n')
    node = site.read(ON_CONTAINERD)
    assert is_known(node.containerd)
    assert node.containerd is not None
    assert [file.path for file in node.containerd.files] == [
        "/opt/swap/config.toml",
        "/opt/swap/conf.d/20-more.toml",
    ]
    assert (node.data_root, node.state_dir) == ("/data/containerd", "/run/other")
    assert is_known(node.daemon)
    assert node.daemon is not None
    assert (node.daemon.program, node.daemon.arguments) == ("/opt/swap/containerd", ("--log-level", "debug"))


def test_an_alias_of_the_socket_is_followed(site: SwapSite) -> None:
    """Fleets put a link in front of whichever runtime is live."""
    machine = site.machine(ON_CONTAINERD)
    endpoint = b"--container-runtime-endpoint=unix:///var/run/cri.sock"
    cmdline = next(e for p, e in machine.files.items() if p.endswith("/873/cmdline"))
    cmdline.content = cmdline.content.replace(
        b"--container-runtime-endpoint=unix:///run/containerd/containerd.sock", endpoint
    )
    machine.commands[runtime.SOCKET.call(path="/var/run/cri.sock").line] = f"{SOCKET}\n"
    node = site.read(ON_CONTAINERD)
    assert (node.name, node.endpoint) == ("containerd", "unix:///var/run/cri.sock")
    machine.commands[runtime.SOCKET.call(path="/var/run/cri.sock").line] = "/var/run/cri.sock\n"
    assert unknown(site.read(ON_CONTAINERD))["name"] == "RP067"


def test_dockershim_is_told_by_the_flags_of_its_time(site: SwapSite) -> None:
    machine = site.machine(ON_DOCKER)
    machine.commands[runtime.KUBELET_VERSION.call().line] = "Kubernetes v1.23.17\n"
    cmdline = next(e for p, e in machine.files.items() if p.endswith("/873/cmdline"))
    cmdline.content = (
        b"/usr/bin/kubelet\0--config=/var/lib/kubelet/config.yaml\0--network-plugin=cni\0"
        b"--pod-infra-container-image=registry.example.org/pause:3.6\0--cni-bin-dir=/opt/a,/opt/b\0"
    )
    node = site.read(ON_DOCKER)
    assert (node.name, node.shim) == ("docker", "dockershim")
    assert node.endpoint == "unix:///var/run/dockershim.sock"
    assert node.sandbox_image == "registry.example.org/pause:3.6"
    assert node.cni_bin_dirs == ("/opt/a", "/opt/b")


def test_a_runtime_that_replank_does_not_read_is_named_and_the_rest_is_unknown(site: SwapSite) -> None:
    machine = site.machine(ON_CONTAINERD)
    cmdline = next(e for p, e in machine.files.items() if p.endswith("/873/cmdline"))
    cmdline.content = cmdline.content.replace(b"/run/containerd/containerd.sock", b"/var/run/crio/crio.sock")
    node = site.read(ON_CONTAINERD)
    assert node.name == "cri-o"
    assert isinstance(node.images, Unknown)
    assert isinstance(node.version, Unknown)


def test_a_machine_that_is_down_is_an_error_of_its_own(site: SwapSite) -> None:
    from replank.domain.errors import ReplankError

    site.machine(ON_DOCKER).up = False
    with pytest.raises(ReplankError) as caught:
        site.read(ON_DOCKER)
    assert caught.value.code == "RP060"


def test_the_kubelet_files_are_kept_with_mode_and_without_secrets(site: SwapSite) -> None:
    machine = site.machine(ON_CONTAINERD)
    machine.files["/etc/default/kubelet"] = FileEntry(b"KUBELET_EXTRA_ARGS=--token=abcdef.planted\n", "0640")
    node = site.read(ON_CONTAINERD)
    assert is_known(node.kubelet_files)
    files = {file.path: file for file in node.kubelet_files}
    assert files["/etc/default/kubelet"].text is None
    assert files["/etc/default/kubelet"].mode == "0640"
    assert "secret" in files["/etc/default/kubelet"].why_not
    flags = files["/var/lib/kubelet/kubeadm-flags.env"].text
    assert flags is not None
    assert flags.startswith("KUBELET_KUBEADM_ARGS=")
    assert commands.KUBELET_FILES[0] in files


class _Broken(HostSession):
    """A node whose containerd cannot read its own file, and says so with the line in question."""

    def __init__(self) -> None:
        super().__init__(None, "node-1", "direct", runtime.RUNTIME_COMMANDS)  # type: ignore[arg-type]

    async def output(self, call: Call, **_: Any) -> Output:
        if call.command == "containerd-config-dump":
            return Output(1, b"", 'failed to load TOML: near password = "planted"')
        return Output(0, b"version = 2\n", "")


def test_what_containerd_says_of_a_broken_file_is_not_kept() -> None:
    process = ContainerdProcess(
        pid="1", program="/usr/bin/containerd", config="/etc/containerd/config.toml", of_docker=False
    )
    found = asyncio.run(read_configuration(_Broken(), process))
    assert found is not None
    assert isinstance(found.dump, Unknown)
    assert "planted" not in repr(found)
    assert "exit status 1" in found.dump.unknown
