"""What a node has: its files, units, containers, addresses and images; and what goes wrong on it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from replank.migrations.runtime_swap.node import swap_node

NET = "podnet"
Container = dict[str, Any]
"""`id`, `uid` of its pod, `name` (`POD` = the sandbox), `type`, `sandbox` (its ID), `pid`, `up`, `shim` (the
version of the shim that started it, "" = Docker's), `restarts`; `exit` once it has ended by itself."""
Pod = dict[str, Any]
"""`uid`, `name`, `containers` (names); where they matter `port` (of the node), `never` (it is not
restarted), `host_network` (it has no address of its own), `mounts` (folders of the node)."""


class NodeState(swap_node.Outside):
    """`root`: the node's file system. `faults` and `broken`: what goes wrong."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = 1_000_000.0
        self.step = 0.05
        """Seconds that a program takes."""
        self.boot_number = 1
        self.units: dict[str, dict[str, Any]] = {}
        self.transient: dict[str, list[str]] = {}
        self.docker: list[Container] = []
        self.cri: list[Container] = []
        self.pods: list[Pod] = []
        self.chains: dict[str, list[str]] = {}
        self.docker_driver = "cgroupfs"
        self.docker_images: dict[str, str] = {}
        self.docker_volumes: list[str] = []
        self.cri_images: dict[str, str] = {}
        self.labels: list[str] = []
        self.trial: list[str] = []
        self.daemon = ""
        """Version of the containerd that was started last."""
        self.drop_in = ""
        self.debs: dict[str, bytes] = {}
        """What apt can fetch: `name=version` -> the .deb, see `testbed.node.bundle.stand_in_deb`."""
        self.dpkg: dict[str, str] = {}
        """What dpkg has: name -> its line, hold and all."""
        self.serial = 100
        self.spawned: list[str] = []
        # What goes wrong: a pattern of command lines -> "fail" | "hang"; and single faults by name.
        self.faults: dict[str, str] = {}
        self.broken: list[str] = []
        self.free = 1 << 40
        self.hook: Callable[[str], None] = lambda _: None

    def path(self, name: str) -> Path:
        """A file of the node by its path there, or by where it lies below `root`."""
        below = f"{name}/".startswith(f"{self.root}/")
        return Path(name) if below else self.root / name.lstrip("/")

    def proc(self) -> Path:
        """Where the kernel tells of processes."""
        return self.path("proc")

    def inside(self, text: str) -> str:
        """A text with paths as they are on the node."""
        return text.replace(str(self.root), "")

    def write(self, name: str, content: str, mode: int = 0o644) -> Path:
        """Writes a file of the node."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.chmod(path, mode)  # noqa: PTH101  (the node can be killed at its own `Path.chmod`, not in here)
        return path

    def tick(self) -> None:
        """What the kubelet does meanwhile."""
        raise NotImplementedError

    def start_daemon(self) -> bool:
        """Starts the system's containerd as its unit says. False: it ended at once."""
        raise NotImplementedError

    def new_id(self, prefix: str = "") -> str:
        """For a container: 64 hexadecimal digits. `prefix`: `d` or `c`, for a sandbox."""
        self.serial += 1
        return f"{prefix}{self.serial:05d}".ljust(64, "0") if prefix else f"{self.serial:06d}".ljust(64, "a")


def version_of(program: Path) -> str:
    """The version that a program's file names, "" = it is no program of a runtime."""
    found = re.search(rb"[0-9]+\.[0-9]+\.[0-9]+", program.read_bytes()) if program.is_file() else None
    return found.group().decode() if found else ""
