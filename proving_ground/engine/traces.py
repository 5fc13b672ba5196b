"""What an engine of ours would leave on the host when it ends: rules, a bridge, folders below /run."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

BRIDGE = "docker0"
TABLES = ("filter", "nat", "mangle")
RUN = (Path("/run/docker"), Path("/run/docker.sock"), Path("/run/containerd"))


def forward_policy() -> str:
    """The policy of FORWARD, which Docker sets to DROP; "" where there is no iptables yet."""
    rules = _rules("filter")
    return next((line.split()[2] for line in rules if line.startswith("-P FORWARD ")), "")


def remove(policy: str) -> None:
    """Takes the traces away, and puts back the policy that `forward_policy` found."""
    for table in TABLES:
        rules = _rules(table)
        for line in rules:
            if line.startswith("-A ") and ("DOCKER" in line or BRIDGE in line):
                _iptables(table, "-D", *shlex.split(line)[1:])
        for line in rules:
            if line.startswith("-N DOCKER"):
                _iptables(table, "-X", line.split()[1])
    if policy:
        _iptables("filter", "-P", "FORWARD", policy)
    if (Path("/sys/class/net") / BRIDGE).exists():
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in mounted:
        if place.startswith(tuple(f"{path}/" for path in RUN)):  # network namespaces
            subprocess.run(["umount", place], check=True)
    for path in RUN:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _rules(table: str) -> list[str]:
    if not shutil.which("iptables"):
        return []
    return _iptables(table, "-S").splitlines()


def _iptables(table: str, *arguments: str) -> str:
    done = subprocess.run(
        ["iptables", "-w", "-t", table, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout
