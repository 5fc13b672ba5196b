"""The twin machine's shell: an interpreter of exactly the commands that surveys and migrations run.

It answers as GNU coreutils, findutils, grep, sed, dpkg and curl do for these arguments, with their exit
codes. Anything else ends with 127.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from replank.inventory.hosts import commands, runtime_commands, swap_commands
from replank.inventory.hosts.apply_commands import APPLY_COMMANDS, ETCD_SNAPSHOT, SECRET_FILE
from replank.inventory.hosts.command import HostCommand
from replank.testbed.serve import ssh_runtime
from replank.testbed.serve.ssh_etcd import database_of, snapshot_answer
from replank.testbed.world import FileEntry, Machine


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command leaves."""

    status: int
    stdout: bytes = b""
    stderr: bytes = b""


class Interpreter(Protocol):
    """Python on a machine that is more than its files."""

    def python3(self, program: str, words: Sequence[str]) -> tuple[int, bytes, bytes]:
        """Runs a program that lies on the machine: exit status, stdout, stderr."""
        ...


@dataclass(frozen=True, slots=True)
class Shell:
    """The shell of one machine. `address`: its fixed address. `sudo_refuses`: see SshFault. `node`: runs
    programs there, None = there is no Python. `is_root`: nobody needs sudo."""

    machine: Machine
    address: str
    sudo_refuses: tuple[str, ...] = ()
    node: Interpreter | None = None
    is_root: bool = False

    def run(self, line: str, stdin: bytes = b"") -> Answer:
        """Runs one command line."""
        try:
            words = shlex.split(line)
        except ValueError:
            return Answer(2, b"", b"sh: syntax error\n")
        sudo = words[:2] == ["sudo", "-n"]
        words = words[2:] if sudo else words
        root = sudo or self.is_root
        plain = shlex.join(words)
        if sudo and (not self.machine.sudo or any(word in plain for word in self.sudo_refuses)):
            return Answer(1, b"", b"sudo: a password is required\n")
        if plain in self.machine.commands:
            return Answer(0, self.machine.commands[plain].encode())
        for command in _COMMANDS:
            if command.name in _HANDLERS and command.matches(tuple(words)):
                return _HANDLERS[command.name](Run(self, words, root, stdin))
        known = any(command.matches(tuple(words)) for command in _COMMANDS)
        return (
            Answer(127, b"", f"sh: 1: {words[0] if words else ''}: not found\n".encode())
            if known
            else STRANGE
        )

    def file(self, path: str, root: bool, program: str) -> FileEntry | Answer:
        """The file at `path`, or the answer of `program` that cannot read it."""
        entry = self.machine.files.get(path)
        if entry is None:
            return Answer(
                2 if program in _EXIT_2 else 1, b"", _says(program, path, "No such file or directory")
            )
        if not root and not int(entry.mode, 8) & 0o004:
            return Answer(2 if program in _EXIT_2 else 1, b"", _says(program, path, "Permission denied"))
        return entry

    def below(self, root: str, depth: int) -> list[tuple[str, FileEntry]]:
        """Files below a folder, at most `depth` levels down, in the machine's order."""
        base = PurePosixPath(root)
        return [
            (path, entry)
            for path, entry in self.machine.files.items()
            if PurePosixPath(path).is_relative_to(base)
            and 0 < len(PurePosixPath(path).relative_to(base).parts) <= depth
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """One command line that is being run. `root`: by sudo."""

    shell: Shell
    words: list[str]
    root: bool
    stdin: bytes = b""


_Handler = Callable[[Run], Answer]
_COMMANDS = (*APPLY_COMMANDS, *swap_commands.ADDED_COMMANDS, *runtime_commands.ADDED_COMMANDS)


STRANGE = Answer(127, b"", b"sh: 1: not found\n")
"""The answer to a command that is on no list."""

_EXIT_2 = frozenset({"sed", "grep", "ls"})


def _says(program: str, path: str, why: str) -> bytes:
    return f"{program}: {path}: {why}\n".encode()


def _true(_run: Run) -> Answer:
    return Answer(0)


def _cat(run: Run) -> Answer:
    found = run.shell.file(run.words[1], run.root, "cat")
    return found if isinstance(found, Answer) else Answer(0, found.content)


def _sed(run: Run) -> Answer:
    """`/A/,/B/p` prints ranges of lines, `/A/p` lines."""
    found = run.shell.file(run.words[3], run.root, "sed")
    if isinstance(found, Answer):
        return found
    first, _, last = run.words[2].removesuffix("/p").removeprefix("/").partition("/,/")
    printed: list[bytes] = []
    inside = False
    for line in found.content.splitlines(keepends=True):
        starts = first.encode() in line
        if inside or starts:
            printed.append(line)
        if last:
            inside = (inside or starts) and not (inside and last.encode() in line)
    return Answer(0, b"".join(printed))


def _grep(run: Run) -> Answer:
    counts = "-c" in run.words
    found = run.shell.file(run.words[-1], run.root, "grep")
    if isinstance(found, Answer):
        return found
    pattern = re.compile(run.words[-2].encode())
    lines = [line for line in found.content.splitlines(keepends=True) if pattern.search(line)]
    return Answer(0 if lines else 1, f"{len(lines)}\n".encode() if counts else b"".join(lines))


def _ls(run: Run) -> Answer:
    path = run.words[2]
    if path in run.shell.machine.files or run.shell.below(path, 64):
        return Answer(0, f"{path}\n".encode())
    return Answer(2, b"", _says("ls", path, "No such file or directory"))


def _find(run: Run) -> Answer:
    roots = [word for word in run.words[1:] if word.startswith("/")]
    depth = int(run.words[run.words.index("-maxdepth") + 1])
    inside = [(path, entry) for folder in roots for path, entry in run.shell.below(folder, depth)]
    if "-path" in run.words:
        inside = [(path, entry) for path, entry in inside if "/cron" in path]
    missing = [folder for folder in roots if folder not in _ALWAYS and not run.shell.below(folder, 64)]
    listed = "".join(
        f"{entry.mode.lstrip('0') or '0'}|{entry.owner}|{entry.group}|{len(entry.content)}|{path}\0"
        for path, entry in inside
    )
    errors = b"".join(_says("find", folder, "No such file or directory") for folder in missing)
    return Answer(1 if missing else 0, listed.encode(), errors)


_ALWAYS = frozenset({"/etc", "/var/spool", "/etc/systemd/system"})


def _stat(run: Run) -> Answer:
    lines, errors = [], b""
    for path in run.words[4:]:
        # A folder is as old as the first file in it.
        inside = sorted((e for _, e in run.shell.below(path, 64)), key=lambda e: e.born)
        entry = run.shell.machine.files.get(path) or next(iter(inside), None)
        if entry is None:
            errors += _says("stat", path, "No such file or directory")
        elif run.words[3] == commands.STAT_FORMAT:
            mode = entry.mode.lstrip("0") or "0"
            lines.append(f"{mode} {entry.owner} {entry.group} {len(entry.content)}\n")
        else:
            lines.append(f"{entry.born} {entry.modified} {entry.modified} {path}\n")
    return Answer(1 if errors else 0, "".join(lines).encode(), errors)


def _sha256sum(run: Run) -> Answer:
    found = run.shell.file(run.words[1], run.root, "sha256sum")
    if isinstance(found, Answer):
        return found
    return Answer(0, f"{hashlib.sha256(found.content).hexdigest()}  {run.words[1]}\n".encode())


def _hostname(run: Run) -> Answer:
    return Answer(0, f"{run.shell.machine.server_name}\n".encode())


def _pgrep(run: Run) -> Answer:
    for path, entry in run.shell.machine.files.items():
        match = re.fullmatch(r"/proc/([0-9]+)/cmdline", path)
        if match and entry.content.split(b"\0")[0].endswith(b"kubelet"):
            return Answer(0, f"{match[1]}\n".encode())
    return Answer(1)


def _systemctl(run: Run) -> Answer:
    drop_ins = [
        p
        for p in run.shell.machine.files
        if p.endswith(".conf") and "/systemd/system/kubelet.service.d/" in p
    ]
    # systemd orders drop-ins by their name, not by their folder.
    ordered = " ".join(sorted(drop_ins, key=lambda path: PurePosixPath(path).name))
    return Answer(0, f"DropInPaths={ordered}\n".encode())


def _dpkg(run: Run) -> Answer:
    machine = run.shell.machine
    if not machine.packages:
        return Answer(127, b"", b"sh: 1: dpkg-query: not found\n")
    return Answer(
        0,
        "".join(
            f"{'hi' if name in machine.held else 'ii'} \t{name}\t{version}\n"
            for name, version in sorted(machine.packages.items())
        ).encode(),
    )


def _dpkg_owners(run: Run) -> Answer:
    if not run.shell.machine.packages:
        return Answer(127, b"", b"sh: 1: dpkg-query: not found\n")
    lines, errors = [], b""
    for path in run.words[2:]:
        entry = run.shell.machine.files.get(path)
        if entry is not None and entry.package:
            lines.append(f"{entry.package}: {path}\n")
        else:
            errors += f"dpkg-query: no path found matching pattern {path}\n".encode()
    return Answer(1 if errors else 0, "".join(lines).encode(), errors)


def _ip(run: Run) -> Answer:
    return Answer(
        0,
        (
            "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
            f"2: ens3    inet {run.shell.address}/24 metric 100 scope global dynamic ens3\\"
            "       valid_lft 86000sec preferred_lft 86000sec\n"
        ).encode(),
    )


def _dd(run: Run) -> Answer:
    path = run.words[1].removeprefix("of=")
    run.shell.machine.files[path] = FileEntry(run.stdin, mode="0600")
    return Answer(0)


def _mv(run: Run) -> Answer:
    _, _, source, target = run.words
    moved = run.shell.machine.files.pop(source, None)
    if moved is None:
        return Answer(1, b"", f"mv: cannot stat '{source}': No such file or directory\n".encode())
    run.shell.machine.files[target] = moved
    return Answer(0)


def _python3(run: Run) -> Answer:
    if run.shell.node is None:
        return Answer(127, b"", b"sh: 1: python3: not found\n")
    return Answer(*run.shell.node.python3(run.words[1], run.words[2:]))


def _by_files(answer: Callable[[Machine, list[str]], tuple[int, bytes]]) -> _Handler:
    """A command that works on the machine's files as root may read them."""

    def run(run: Run) -> Answer:
        return Answer(*answer(run.shell.machine, run.words))

    return run


def _readlink(run: Run) -> Answer:
    """The twin has no symbolic links."""
    return Answer(0, f"{run.words[-1]}\n".encode())


def _curl(_run: Run) -> Answer:
    return Answer(7)


def _etcd_snapshot(run: Run) -> Answer:
    """Only a control plane whose API server reaches etcd at its own address has one to ask here."""
    manifest = run.shell.machine.files.get(f"{commands.MANIFESTS_DIR}/kube-apiserver.yaml")
    url = run.words[-1].removesuffix("/v3/maintenance/snapshot")
    if manifest is None or url.encode() not in manifest.content:
        return Answer(7)
    return Answer(0, snapshot_answer(database_of(run.shell.machine)))


def _handlers(pairs: Mapping[_Handler, tuple[HostCommand, ...]]) -> dict[str, _Handler]:
    return {command.name: handler for handler, served in pairs.items() for command in served}


_HANDLERS = _handlers(
    {
        # Folders are there as soon as a file is.
        _true: (commands.SUDO, swap_commands.MAKE_FOLDER),
        _dd: (swap_commands.WRITE,),
        _mv: (swap_commands.PLACE,),
        _python3: (swap_commands.NODE,),
        _cat: (
            *(commands.OS_RELEASE, commands.SYSTEM_UUID, commands.MACHINE_ID, commands.MANIFEST),
            *(commands.KUBELET_FILE, commands.KUBELET_COMMAND_LINE, commands.RPM_LOCKS, SECRET_FILE),
            *(runtime_commands.FILE, runtime_commands.DAEMON_COMMAND_LINE, runtime_commands.SELINUX),
        ),
        _sed: (commands.CERTIFICATE, commands.KUBECONFIG_CERTIFICATE, commands.KUBELET_SERVER),
        _grep: (commands.USER_DATA, commands.DPKG_LOG),
        _ls: (commands.EXISTS,),
        _find: (
            *(commands.LIST_FILES, commands.CRON_FILES, commands.UNIT_FILES),
            runtime_commands.FILES,
        ),
        _stat: (commands.FILE_METADATA, commands.INSTALL_TIMES, runtime_commands.MODE),
        _by_files(ssh_runtime.pgrep): (
            *(runtime_commands.CONTAINERD_PIDS, runtime_commands.DOCKERD_PID),
            runtime_commands.CRI_DOCKERD_PID,
        ),
        _by_files(ssh_runtime.grep_only): (runtime_commands.REGISTRY_LOGINS,),
        _by_files(ssh_runtime.grep_zero): (runtime_commands.DAEMON_PATH,),
        _by_files(ssh_runtime.grep_store): (runtime_commands.ADDRESS_STORE,),
        _by_files(ssh_runtime.grep_docker): (runtime_commands.DOCKER_USERS,),
        _by_files(ssh_runtime.apt_cache): (runtime_commands.OFFERED,),
        _readlink: (runtime_commands.SOCKET,),
        _sha256sum: (commands.FILE_HASH, swap_commands.SUM),
        _hostname: (commands.HOSTNAME,),
        _pgrep: (commands.KUBELET_PID,),
        _systemctl: (commands.KUBELET_UNIT,),
        _dpkg: (commands.DPKG,),
        _dpkg_owners: (commands.DPKG_OWNERS,),
        _ip: (commands.ADDRESSES,),
        _etcd_snapshot: (ETCD_SNAPSHOT,),
        _curl: (commands.ETCD_MEMBERS, commands.ETCD_STATUS),
    }
)
