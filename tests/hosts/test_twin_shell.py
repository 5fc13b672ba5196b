"""The twin's shell answers as the real programs do: both are asked the same about the same files."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from host_machines import PRIVATE, certificate, kubeadm_machine, kubeconfig

from replank.domain.unknown import Unknown
from replank.inventory.hosts import commands
from replank.inventory.hosts.command import Call
from replank.inventory.hosts.listing import parse_listing
from replank.inventory.hosts.origin import TIMES_FORMAT, judge_origin
from replank.testbed.serve.ssh_shell import STRANGE, Answer, Shell
from replank.testbed.world import FileEntry, Machine

FILES = {
    "ca.crt": certificate("ca", ca=True).encode() + PRIVATE,
    'etcd/it\'s a "ca".crt': b"text before\n" + certificate("x").encode() * 2 + b"text after\n",
    "admin.conf": kubeconfig("https://x:6443"),
    "empty": b"",
}


def is_gnu(program: str) -> bool:
    path = shutil.which(program)
    if path is None:
        return False
    return b"GNU" in subprocess.run([path, "--version"], capture_output=True, check=False).stdout


pytestmark = pytest.mark.skipif(
    not all(map(is_gnu, ("find", "sed", "stat", "ls"))),
    reason="NOT TESTED: the twin's shell against real programs, since GNU tools are missing here",
)


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Shell]:
    files: dict[str, FileEntry] = {}
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o644)
        info = path.stat()
        owner, group = path.owner(), path.group()
        files[str(path)] = FileEntry(content=content, owner=owner, group=group, modified=int(info.st_mtime))
    machine = Machine(server_name="x", server_id="x", host_key="", files=files)
    return tmp_path, Shell(machine, "10.0.0.1")


def real(call: Call) -> Answer:
    done = subprocess.run(call.argv, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("name", [*FILES, "missing"])
@pytest.mark.parametrize(
    "command",
    [
        *(commands.MANIFEST, commands.CERTIFICATE, commands.KUBECONFIG_CERTIFICATE, commands.KUBELET_SERVER),
        *(commands.FILE_METADATA, commands.FILE_HASH, commands.EXISTS),
    ],
    ids=lambda command: command.name,
)
def test_reading_one_file_is_the_same(both: tuple[Path, Shell], command, name: str) -> None:
    folder, shell = both
    call = command.call(path=str(folder / name))
    wanted, answered = real(call), shell.run(call.line)
    assert (answered.status, answered.stdout) == (wanted.status, wanted.stdout)
    assert bool(answered.stderr) == bool(wanted.stderr)


@pytest.mark.parametrize("name", ["", "etcd", "missing"])
def test_listing_is_the_same(both: tuple[Path, Shell], name: str) -> None:
    folder, shell = both
    call = commands.LIST_FILES.call(path=str(folder / name) if name else str(folder))
    wanted, answered = real(call), shell.run(call.line)
    assert answered.status == wanted.status
    assert parse_listing(answered.stdout.decode()) == parse_listing(wanted.stdout.decode())


def test_times_of_a_real_stat_are_understood(tmp_path: Path) -> None:
    (tmp_path / "kubelet").touch()
    call = Call("", ("stat", "-L", "-c", TIMES_FORMAT, str(tmp_path / "kubelet"), str(tmp_path)), sudo=False)
    answer = real(call)
    assert answer.status == 0
    assert len(answer.stdout.splitlines()) == 2
    assert isinstance(judge_origin(0, answer.stdout.decode(), "", kubespray=False), Unknown)


def test_only_certificates_come_out_of_a_file_that_holds_a_key_too(both: tuple[Path, Shell]) -> None:
    folder, shell = both
    call = commands.CERTIFICATE.call(path=str(folder / "ca.crt"))
    assert b"PRIVATE" not in real(call).stdout
    assert b"PRIVATE" not in shell.run(call.line).stdout


def test_a_link_to_a_file_is_followed(both: tuple[Path, Shell]) -> None:
    folder, _ = both
    (folder / "linked").symlink_to(folder / "etcd")
    listed = parse_listing(real(commands.LIST_FILES.call(path=str(folder / "linked"))).stdout.decode())
    assert [Path(file.path).name for file in listed] == ['it\'s a "ca".crt']


@pytest.mark.parametrize(
    "line",
    [
        *(
            "",
            "reboot",
            "cat /etc/x /etc/y",
            "sudo -n rm -rf /",
            "sed -i s/a/b/ /etc/x",
            "cat '",
            "sudo -n sh -c id",
        ),
        "find -L /etc -maxdepth 6 -type f -delete",
    ],
)
def test_what_is_on_no_list_is_not_served(line: str) -> None:
    answer = Shell(kubeadm_machine(), "10.0.0.1").run(line)
    assert answer.status in (2, 127)
    assert answer is STRANGE or answer.status == 2


def test_files_for_root_alone_need_sudo() -> None:
    shell = Shell(kubeadm_machine(), "10.0.0.1")
    call = commands.MANIFEST.call(path="/etc/kubernetes/manifests/etcd.yaml")
    assert shell.run(call.line).status == 1
    assert shell.run(call.sudo_line).status == 0
