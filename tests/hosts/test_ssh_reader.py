"""The SSH transport against twin machines: real SSH on both ends, over a jump host."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shlex
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from host_machines import ADDRESS, ETCD, SECRETS, entry, kubeadm_machine, ssh_key
from ssh_site import KUBESPRAY, Site

from replank.domain.errors import Refused, ReplankError, Transient
from replank.domain.unknown import Unknown
from replank.inventory.facts.hosts import HostFacts
from replank.inventory.hosts import commands
from replank.inventory.hosts.commands import SURVEY_COMMANDS
from replank.testbed.serve.ssh import SshTwin
from replank.testbed.serve.ssh_faults import SshFault
from replank.testbed.world import FileEntry, Machine
from replank.transports.ssh.jump import JumpHost, parse_jump
from replank.transports.ssh.reader import SshHostReader

Start = Callable[..., Site]
Machines = dict[str, Machine]
INSTANCE = "/var/lib/kubelet/instance-config.yaml"


def unknown(facts: HostFacts) -> dict[str, str]:
    """Fields that are unknown, with their codes."""
    values = {field.name: getattr(facts, field.name) for field in dataclasses.fields(facts)}
    return {name: value.code for name, value in values.items() if isinstance(value, Unknown)}


# What is seen


def test_a_kubeadm_control_plane_is_seen_whole(site: Start) -> None:
    facts = site().read()
    assert unknown(facts) == {}
    assert facts.hostname == "cp-1"
    assert facts.system_uuid == "8d9e8c5a-3b1f-4a6e-9c7d-2e5f6a7b8c9d"
    assert facts.machine_id == "0f7ac2b2a0c94b0c9a3f5f0f6f1f7e11"
    assert facts.os_release == "Ubuntu 24.04.1 LTS"
    assert facts.runtime == "containerd://1.7.24"
    assert facts.cloud_init_kubernetes is True
    assert {pod.component for pod in facts.static_pods} == set(commands.COMPONENTS)
    assert [member.name for member in facts.etcd.members] == ["cp-1"]
    assert {p.name: p.held for p in facts.packages} == {"containerd": False, "kubeadm": True, "kubelet": True}
    assert facts.kubelet.kubeconfig_server == "https://10.0.0.5:6443"
    assert facts.kubelet.flags[-1].value == "pool=a b"
    assert [item.name for item in facts.leftovers] == ["backup it's", "node-tuning.service"]
    assert "/etc/kubernetes/pki/ca.key" in {key.path for key in facts.keys}
    assert "/etc/kubernetes/admin.conf" in {c.path for c in facts.certificates}
    by_flag = {file.flag: file for file in facts.referenced_files}
    assert by_flag["encryption-provider-config"].file.content == "secret"
    assert len(by_flag["audit-policy-file"].file.content) == 64
    assert facts.host_key_checked is True


def test_a_kubespray_control_plane_is_seen_whole(site: Start) -> None:
    facts = site().read(KUBESPRAY, "/etc/kubernetes/ssl")
    assert unknown(facts) == {}
    # The first endpoint does not answer; the second does.
    assert [member.name for member in facts.etcd.members] == ["etcd1", "etcd2", "etcd3"]
    assert facts.virtual_ips == ("10.0.1.250",)
    assert facts.cloud_init_kubernetes is False
    assert facts.kubelet.running is False
    assert facts.kubelet.config["maxPods"] == 110
    assert {p.name: p.held for p in facts.packages} == {"containerd.io": True, "keepalived": False}
    assert {c.path for c in facts.certificates} >= {"/etc/ssl/etcd/ssl/node-node1.pem"}
    assert {key.path for key in facts.keys} == {
        "/etc/kubernetes/ssl/ca.key",
        "/etc/ssl/etcd/ssl/node-node1-key.pem",
    }


def test_no_planted_secret_is_in_the_facts(site: Start) -> None:
    place = site()
    seen = repr(place.read()) + repr(place.read(KUBESPRAY, "/etc/kubernetes/ssl"))
    for secret in SECRETS:
        assert secret not in seen


def test_keys_do_not_even_cross_the_wire(site: Start, machines: Machines) -> None:
    """Every file that holds a key, an encryption key or user data is only asked for its metadata, or for
    its certificates, or for a number."""
    place = site()
    place.read()
    place.read(KUBESPRAY, "/etc/kubernetes/ssl")
    for address, line in place.twin.commands:
        words = shlex.split(line)
        if words[:2] == ["sudo", "-n"]:
            words = words[2:]
        if words[0] in ("cat", "sha256sum"):
            content = machines[address].files.get(words[1], FileEntry(content=b"")).content
            assert b"PRIVATE KEY" not in content, line
            assert b"planted-encryption" not in content, line
            assert b"planted-user-data" not in content, line
            assert b"client-key-data" not in content, line


def test_only_commands_of_the_list_are_run(site: Start) -> None:
    place = site()
    place.read()
    place.read(KUBESPRAY, "/etc/kubernetes/ssl")
    assert place.twin.strange_commands == []
    for _, line in place.twin.commands:
        words = tuple(shlex.split(line))
        plain = words[2:] if words[:2] == ("sudo", "-n") else words
        assert any(command.matches(plain) for command in SURVEY_COMMANDS), line


def test_nothing_on_the_machine_changes(site: Start, machines: Machines) -> None:
    before = repr(machines)
    place = site()
    place.read()
    place.read(KUBESPRAY, "/etc/kubernetes/ssl")
    assert repr(machines) == before


def test_two_readings_of_one_machine_are_equal(site: Start) -> None:
    place = site()
    assert place.read() == place.read()


def test_paths_with_spaces_and_quotes_are_read(site: Start, machines: Machines) -> None:
    odd = '/etc/kubernetes/pki/it\'s $(touch x); "new" ca.crt'
    machines[ADDRESS].files[odd] = machines[ADDRESS].files["/etc/kubernetes/pki/ca.crt"]
    assert odd in {c.path for c in site().read().certificates}


def test_a_machine_without_kubernetes_has_none_and_is_known(site: Start, machines: Machines) -> None:
    bare = machines[ADDRESS]
    bare.files = {
        "/etc/os-release": FileEntry(content=b"NAME=Debian\n"),
        "/sys/class/dmi/id/product_uuid": FileEntry(content=b"x\n"),
    }
    facts = site().read()
    assert facts.static_pods == ()
    assert facts.certificates == ()
    assert facts.keys == ()
    assert facts.etcd is None
    assert facts.kubelet.running is False


def test_a_machine_without_dmi_is_known_by_its_machine_id(site: Start, machines: Machines) -> None:
    del machines[ADDRESS].files["/sys/class/dmi/id/product_uuid"]
    facts = site().read()
    assert unknown(facts) == {}
    assert (facts.system_uuid, facts.machine_id) == ("", "0f7ac2b2a0c94b0c9a3f5f0f6f1f7e11")
    machines[ADDRESS].files["/proc/device-tree/vm,uuid"] = FileEntry(
        content=b"8d9e8c5a-3b1f-4a6e-9c7d-2e5f6a7b8c9d\0", mode="0444"
    )
    assert site().read().system_uuid == "8d9e8c5a-3b1f-4a6e-9c7d-2e5f6a7b8c9d"


def test_a_kubelet_that_was_put_there_after_boot_is_told_by_its_birth(
    site: Start, machines: Machines
) -> None:
    files = machines[ADDRESS].files
    files[commands.USER_DATA_FILE].content = b"#cloud-config\nhostname: cp-1\n"
    assert unknown(site().read()) == {"cloud_init_kubernetes": "RP069"}
    files["/var/lib/cloud/instance/boot-finished"] = FileEntry(content=b"", modified=1000)
    files["/usr/bin/kubelet"] = FileEntry(content=b"", mode="0755", born=1100)
    files["/etc/systemd/system/kubelet.service"] = FileEntry(content=b"", born=1110)
    for path in [path for path in files if path.startswith("/etc/kubernetes/")]:
        files[path].born = 1120
    assert site().read().cloud_init_kubernetes is False


def test_the_lines_of_permissions_are_enough_for_a_usual_machine(site: Start, machines: Machines) -> None:
    """What is not there must be told from what may not be read with these lines alone."""
    usual = {call.sudo_line for c in SURVEY_COMMANDS for v in c.usual for call in [c.call(**v)]}
    missing = ("/sys/class/dmi/id/product_uuid", INSTANCE, commands.USER_DATA_FILE, commands.MACHINE_ID_FILE)
    place = site()
    for path in ("", *missing):
        machines[ADDRESS].files.pop(path, None)
        place.read()
    of_flags = (commands.FILE_METADATA, commands.FILE_HASH)  # permissions says "one line for each file"
    for _, line in place.twin.commands:
        words = tuple(shlex.split(line))
        if words[:2] == ("sudo", "-n") and not any(c.matches(words[2:]) for c in of_flags):
            assert line in usual


def test_etcd_that_no_api_server_names_is_unknown_not_absent(site: Start, machines: Machines) -> None:
    del machines[ADDRESS].files["/etc/kubernetes/manifests/kube-apiserver.yaml"]
    assert unknown(site().read()) == {"etcd": "RP067"}


def test_etcd_that_does_not_answer_is_unknown(site: Start, machines: Machines) -> None:
    machines[ADDRESS].commands.pop(commands.ETCD_STATUS.call(**ETCD).line)
    facts = site().read()
    assert unknown(facts) == {"etcd": "RP067"}
    assert "the connection was refused" in facts.etcd.unknown


def test_a_flag_that_points_at_nothing_is_a_missing_file(site: Start, machines: Machines) -> None:
    del machines[ADDRESS].files["/opt/kubernetes/audit/policy.yaml"]
    facts = site().read()
    assert {file.flag: file.file is None for file in facts.referenced_files} == {
        "audit-policy-file": True,
        "encryption-provider-config": False,
    }


def test_a_broken_manifest_leaves_the_other_facts(site: Start, machines: Machines) -> None:
    machines[ADDRESS].files["/etc/kubernetes/manifests/copy.bak"] = entry("not: [a pod")
    facts = site().read()
    assert unknown(facts) == {"static_pods": "RP085", "referenced_files": "RP085", "etcd": "RP085"}
    assert "copy.bak" in facts.static_pods.unknown


def with_docker_beside_it(machine: Machine) -> None:
    """Docker's packages are installed as well, and config.yaml names no endpoint."""
    config = machine.files["/var/lib/kubelet/config.yaml"]
    lines = config.content.splitlines(keepends=True)
    config.content = b"".join(line for line in lines if b"containerRuntimeEndpoint" not in line)
    machine.commands["docker --version"] = "Docker version 20.10.24+dfsg1, build 297e128\n"


def test_the_runtime_is_the_one_that_the_kubelet_talks_to(site: Start, machines: Machines) -> None:
    with_docker_beside_it(machines[ADDRESS])
    assert site().read().runtime == "containerd://1.7.24"
    machines[ADDRESS].files[INSTANCE].content = b'containerRuntimeEndpoint: "unix:///run/cri-dockerd.sock"\n'
    assert site().read().runtime == "docker://20.10.24+dfsg1"


def test_several_runtimes_without_an_endpoint_are_not_guessed(site: Start, machines: Machines) -> None:
    with_docker_beside_it(machines[ADDRESS])
    del machines[ADDRESS].files[INSTANCE]
    assert unknown(site().read()) == {"runtime": "RP067"}


def test_a_kubelet_with_dockershims_flag_and_no_endpoint_talks_to_docker(
    site: Start, machines: Machines
) -> None:
    with_docker_beside_it(machines[ADDRESS])
    del machines[ADDRESS].files[INSTANCE]
    machines[ADDRESS].files["/proc/812/cmdline"].content += b"\0--network-plugin=cni\0"
    assert site().read().runtime == "docker://20.10.24+dfsg1"


# sudo


def test_without_sudo_only_facts_for_everybody_are_known(site: Start, machines: Machines) -> None:
    machines[ADDRESS].sudo = False
    facts = site().read()
    seen = unknown(facts)
    assert set(seen.values()) == {"RP066"}
    assert set(seen) == {
        *("system_uuid", "certificates", "keys", "static_pods", "referenced_files", "etcd", "kubelet"),
        *("leftovers", "cloud_init_kubernetes"),
    }
    assert facts.hostname == "cp-1"
    assert facts.os_release == "Ubuntu 24.04.1 LTS"


@pytest.mark.parametrize(
    ("refused", "lost"),
    [
        ("enc.yaml", {"referenced_files"}),
        ("product_uuid", {"system_uuid"}),
        ("apiserver.crt", {"certificates"}),
        ("curl", {"etcd"}),
        ("config.yaml", {"kubelet"}),
        ("/var/spool", {"leftovers"}),
        ("user-data", {"cloud_init_kubernetes"}),
    ],
)
def test_one_refused_command_is_never_taken_for_a_missing_file(
    site: Start, refused: str, lost: set[str]
) -> None:
    facts = site(fault=SshFault(sudo_refuses=(refused,))).read()
    assert set(unknown(facts)) == lost
    assert set(unknown(facts).values()) == {"RP067"}


def test_with_sudo_switched_off_commands_run_as_the_user(site: Start) -> None:
    place = site()
    facts = place.read(sudo=False)
    assert not [line for _, line in place.twin.commands if line.startswith("sudo")]
    assert unknown(facts)["static_pods"] == "RP067"
    assert "Permission denied" in facts.static_pods.unknown


# Getting there


def failure(place: Site, **access: object) -> ReplankError:
    with pytest.raises(ReplankError) as error:
        place.read(**access)
    return error.value


def test_a_changed_host_key_is_refused_and_the_file_is_named(site: Start) -> None:
    place = site(fault=SshFault(new_host_key=True))
    error = failure(place)
    assert isinstance(error, Refused)
    assert error.code == "RP061"
    assert error.where == place.access.known_hosts
    assert place.twin.commands == []


def test_a_host_key_that_the_operator_recorded_long_ago_is_a_changed_one(
    site: Start, machines: Machines
) -> None:
    machines[ADDRESS].known_host_key = ssh_key()
    assert failure(site()).code == "RP061"


def test_an_unknown_host_key_is_another_error_with_a_hint(site: Start) -> None:
    place = site()
    known = Path(place.access.known_hosts)
    known.write_text("\n".join(line for line in known.read_text().splitlines() if "127.0.0.1" in line) + "\n")
    error = failure(place)
    assert error.code == "RP062"
    assert f"ssh -J 127.0.0.1 ubuntu@{ADDRESS}" in error.todo


def test_the_jump_hosts_key_is_checked_too(site: Start) -> None:
    place = site()
    known = Path(place.access.known_hosts)
    known.write_text("\n".join(line for line in known.read_text().splitlines() if "127.0.0.1" not in line))
    error = failure(place)
    assert error.code == "RP062"
    assert "jump host" in error.what
    assert "ssh-keyscan" in error.todo


def test_a_missing_known_hosts_file_knows_nobody(site: Start) -> None:
    assert failure(site(), known_hosts="/nonexistent/known_hosts").code == "RP062"


def test_a_damaged_known_hosts_file_is_said(site: Start) -> None:
    place = site()
    Path(place.access.known_hosts).write_bytes(b"\xff\xfe\x00 not text")
    assert failure(place).code == "RP062"


def test_a_host_key_of_another_type_is_a_changed_one(site: Start) -> None:
    place = site()
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
    known = Path(place.access.known_hosts)
    lines = [line for line in known.read_text().splitlines() if not line.startswith(ADDRESS)]
    known.write_text("\n".join([*lines, f"{ADDRESS} {other}"]))
    assert failure(place).code == "RP061"


def test_a_switched_off_check_is_allowed_and_written_down(site: Start) -> None:
    place = site(fault=SshFault(new_host_key=True))
    assert place.read(check_host_key=False).host_key_checked is False


def test_failures_and_facts_repeat_that_the_host_key_was_not_checked(site: Start, machines: Machines) -> None:
    place = site()
    machines[ADDRESS].up = False
    assert "host key not checked" in failure(place, check_host_key=False).what
    machines[ADDRESS].up = True
    machines[ADDRESS].sudo = False
    facts = place.read(check_host_key=False)
    assert facts.static_pods.code == "RP066"
    assert facts.host_key_checked is False


def test_a_refused_login_is_said(site: Start, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(ssh_key())
    error = failure(site(), key=str(other))
    assert isinstance(error, Refused)
    assert error.code == "RP063"


@pytest.mark.parametrize("content", [None, "no key at all", "encrypted"])
def test_a_key_that_cannot_be_used_is_said_before_anything_is_tried(
    site: Start, tmp_path: Path, content: str | None
) -> None:
    import asyncssh

    path = tmp_path / "broken"
    if content == "encrypted":
        key = asyncssh.generate_private_key("ssh-ed25519")
        path.write_bytes(key.export_private_key("pkcs8-pem", passphrase="secret"))
    elif content is not None:
        path.write_text(content)
    place = site()
    error = failure(place, key=str(path))
    assert error.code == "RP064"
    assert error.where == str(path)
    assert place.twin.logins == 0


def test_a_machine_that_is_down_is_worth_another_try(site: Start, machines: Machines) -> None:
    machines[ADDRESS].up = False
    error = failure(site())
    assert isinstance(error, Transient)
    assert error.code == "RP060"
    assert "jump host 127.0.0.1 could not connect" in error.why


def test_a_jump_host_that_is_down_is_named(site: Start) -> None:
    place = site()
    place.twin.__exit__(None, None, None)
    error = failure(place)
    assert isinstance(error, Transient)
    assert error.code == "RP060"
    assert "jump host" in error.what
    assert str(place.twin.port) not in error.reason


def test_silence_ends_with_the_timeout(site: Start) -> None:
    error = failure(site(fault=SshFault(silent=True)), connect_timeout_s=0.3)
    assert isinstance(error, Transient)
    assert error.code == "RP060"
    assert "in time" in error.why


def test_a_direct_connection_works_without_a_jump_host(site: Start) -> None:
    place = site()
    port = place.twin.direct_port(ADDRESS)
    known = Path(place.access.known_hosts)
    lines = [line for line in known.read_text().splitlines() if line.startswith(f"{ADDRESS} ")]
    known.write_text(lines[0].replace(ADDRESS, f"[127.0.0.1]:{port}"))
    facts = place.read("127.0.0.1", jump="", port=port)
    assert facts.hostname == "cp-1"
    assert place.twin.logins == 0


@pytest.mark.parametrize("after", [0, 1, 8, 25])
def test_a_cut_line_leaves_what_was_read_before(site: Start, after: int) -> None:
    place = site(fault=SshFault(cut_after=after))
    if after == 0:
        assert failure(place).code == "RP065"
        return
    seen = unknown(place.read())
    assert seen
    assert set(seen.values()) == {"RP065"}


def test_a_slow_machine_is_read_all_the_same(site: Start) -> None:
    assert unknown(site(fault=SshFault(slow_s=0.02)).read()) == {}


def test_endless_output_is_cut_off(site: Start, machines: Machines) -> None:
    machines[ADDRESS].files["/etc/os-release"] = FileEntry(content=b"x" * 5_000_000)
    assert unknown(site().read()) == {"os_release": "RP067"}


def test_machines_read_together_share_one_login_at_the_jump_host(site: Start) -> None:
    place = site()

    async def both() -> list[HostFacts]:
        reader = SshHostReader()
        first = reader.read("a", ADDRESS, place.access, "/etc/kubernetes/pki")
        second = reader.read("b", KUBESPRAY, place.access, "/etc/kubernetes/ssl")
        return list(await asyncio.gather(first, second))

    assert [facts.server for facts in asyncio.run(both())] == ["a", "b"]
    assert place.twin.logins == 1


def test_one_lost_machine_does_not_take_the_others_with_it(site: Start, machines: Machines) -> None:
    machines[ADDRESS].up = False
    place = site()

    async def both() -> list[object]:
        reader = SshHostReader()
        first = reader.read("a", ADDRESS, place.access, "/etc/kubernetes/pki")
        second = reader.read("b", KUBESPRAY, place.access, "/etc/kubernetes/ssl")
        return list(await asyncio.gather(first, second, return_exceptions=True))

    down, up = asyncio.run(both())
    assert isinstance(down, Transient)
    assert isinstance(up, HostFacts)
    assert unknown(up) == {}


def test_many_machines_behind_one_bastion_are_cheap(client_key: str, tmp_path: Path) -> None:
    template = kubeadm_machine()
    addresses = [f"10.1.0.{number}" for number in range(1, 31)]
    machines = {address: dataclasses.replace(template) for address in addresses}
    with SshTwin(machines, user="ubuntu", client_key=client_key) as twin:
        (tmp_path / "key").write_text(client_key)
        twin.known_hosts(tmp_path / "known")
        from replank.inventory.fleet.model import SshAccess

        access = SshAccess(
            user="ubuntu",
            key=str(tmp_path / "key"),
            jump=twin.jump,
            known_hosts=str(tmp_path / "known"),
            connect_timeout_s=60,
        )

        async def everything() -> list[HostFacts]:
            reader = SshHostReader()
            return list(
                await asyncio.gather(*(reader.read(a, a, access, "/etc/kubernetes/pki") for a in addresses))
            )

        facts = asyncio.run(everything())
        assert [unknown(fact) for fact in facts] == [{}] * 30
        assert twin.logins == 1


@pytest.mark.parametrize(
    ("text", "jump"),
    [
        ("bastion", JumpHost("me", "bastion", 22)),
        ("ops@bastion.example:2222", JumpHost("ops", "bastion.example", 2222)),
        ("ops@[fd00::1]:2222", JumpHost("ops", "fd00::1", 2222)),
    ],
)
def test_a_jump_host_is_read_as_ssh_reads_it(text: str, jump: JumpHost) -> None:
    assert parse_jump(text, default_user="me") == jump


@pytest.mark.parametrize(
    "text", ["a b", "host:0", "host:99999", "fd00::1", "@host", "-oProxyCommand=x y", ""]
)
def test_a_jump_host_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused) as error:
        parse_jump(text, default_user="me")
    assert error.value.code == "RP060"


def test_errors_hold_no_planted_secret(site: Start, machines: Machines) -> None:
    for path in ("/etc/kubernetes/manifests/kube-apiserver.yaml", "/var/lib/kubelet/config.yaml"):
        machines[ADDRESS].files[path].content = (
            machines[ADDRESS].files[path].content.replace(b"kind:", b"kin: [")
        )
    seen = json.dumps(dataclasses.asdict(site().read()), default=str)
    for secret in SECRETS:
        assert secret not in seen
