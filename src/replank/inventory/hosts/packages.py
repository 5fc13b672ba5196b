"""Installed packages that matter for a takeover, with holds."""

from __future__ import annotations

import re
from typing import Final

from replank.inventory.facts.hosts import Package
from replank.inventory.hosts.listing import strange_output

_WANTED: Final = re.compile(
    r"kube(let|adm|ctl)|kubernetes-cni|cri-tools|cri-o|cri-dockerd"
    r"|containerd(\.io)?|runc|docker(-ce|-ce-cli|\.io|-engine)?|moby-engine|podman"
    r"|etcd(-server|-client)?|keepalived|haproxy|nginx|cloud-init|unattended-upgrades|dnf-automatic"
)


def parse_dpkg(text: str) -> tuple[Package, ...]:
    """`dpkg-query -W` with the format of commands.DPKG: status, name, version.

    The first letter of the status is what dpkg was told to do: `h` is what `apt-mark hold` sets
    (dpkg-query(1), db:Status-Abbrev). The second is what there is; only `i` counts. Raises `Refused` RP089.
    """
    found: list[Package] = []
    for line in text.splitlines():
        status, *rest = line.split("\t")
        if len(rest) != 2 or len(status) < 2:
            raise strange_output("dpkg-query", f"{line[:60]!r} is no entry")
        name = rest[0].partition(":")[0]
        if status[1] == "i" and _WANTED.fullmatch(name):
            found.append(Package(name=name, version=rest[1], held=status[0] == "h"))
    return tuple(sorted(found, key=lambda package: package.name))


def parse_rpm(text: str, locks: str) -> tuple[Package, ...]:
    """`rpm -qa` with the format of commands.RPM. `locks`: dnf's versionlock.list. Raises `Refused` RP089.

    A lock is a line such as `kubelet-0:1.34.4-150500.1.1.*`; `!` before it excludes versions instead.
    """
    locked = [line.strip() for line in locks.splitlines() if line.strip() and line.strip()[0] not in "#!"]
    found: list[Package] = []
    for line in text.splitlines():
        name, tab, version = line.partition("\t")
        if not tab:
            raise strange_output("rpm", f"{line[:60]!r} is no entry")
        if _WANTED.fullmatch(name):
            pattern = re.compile(rf"{re.escape(name)}(-[0-9].*)?", flags=re.ASCII)
            found.append(Package(name=name, version=version, held=any(map(pattern.fullmatch, locked))))
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))


def parse_runtime(text: str) -> str:
    """`containerd://1.7.24`, as a Node shows its runtime, from a `--version` line. Raises `Refused` RP089."""
    for name, pattern in (
        ("docker", r"Docker version ([0-9][^\s,]*)"),
        ("cri-o", r"crio version v?([0-9]\S*)"),
        ("containerd", r"containerd \S+ v?([0-9]\S*)"),
    ):
        if match := re.search(pattern, text, flags=re.ASCII):
            return f"{name}://{match[1]}"
    raise strange_output("the runtime's --version", f"{text[:60]!r} names no version")
