"""What the ground needs of the host, and the little that it changes there."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

from proving_ground.errors import GroundError
from proving_ground.settings import Folders

SYSCTLS = {"fs/inotify/max_user_instances": 8192, "fs/inotify/max_user_watches": 1048576}
"""Least values. The kernel's 128 inotify instances run out at about seven machines: kubelets then restart for
ever with "inotify_init: too many open files"."""

MEMORY_MIB = 8192
DISK_MIB = 30 * 1024


def check(folders: Folders) -> None:
    """Raises `GroundError` where this machine cannot carry the ground."""
    if platform.system() != "Linux":
        raise GroundError("host", f"this is {platform.system()}", "Run the ground on Linux.")
    if os.geteuid() != 0:
        raise GroundError("host", "not root", "Run as root: sysctls, debootstrap and NAT rules need it.")
    memory = _available_mib()
    if memory < MEMORY_MIB and not (folders.state / "up").exists():
        raise GroundError(
            "host", f"{memory} MiB of memory available", f"Free some: the ground needs {MEMORY_MIB} MiB."
        )
    folders.cache.mkdir(parents=True, exist_ok=True)
    statistics = os.statvfs(folders.cache)
    free = statistics.f_bavail * statistics.f_frsize // 2**20
    if free < DISK_MIB and not any(folders.binaries.glob("*.key")):
        raise GroundError(
            "host",
            f"{free} MiB free below {folders.cache}",
            f"Free some, or set REPLANK_GROUND to another folder: a first build needs {DISK_MIB} MiB.",
        )


def raise_limits(folders: Folders) -> None:
    """Raises sysctls that are too low, and keeps the old values for `restore_limits`."""
    kept = _kept(folders)
    old = json.loads(kept.read_text()) if kept.exists() else {}
    for name, least in SYSCTLS.items():
        path = Path("/proc/sys") / name
        value = int(path.read_text())
        if value < least:
            old.setdefault(name, value)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(old))
            path.write_text(str(least))


def restore_limits(folders: Folders) -> None:
    """Puts back what `raise_limits` changed."""
    kept = _kept(folders)
    if kept.exists():
        for name, value in json.loads(kept.read_text()).items():
            (Path("/proc/sys") / name).write_text(str(value))
        kept.unlink()


def _kept(folders: Folders) -> Path:
    return folders.state / "host" / "sysctls.json"


def _available_mib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024
