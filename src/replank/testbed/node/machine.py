"""A machine of the twin as a node: its runtime, its kubelet, and the part of a swap that works on it."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from replank.inventory.hosts import runtime_commands
from replank.inventory.hosts.swap_commands import FOLDER, NODE_PART
from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.fleet.kube.nodes import DOCKER
from replank.testbed.node.cri import BESIDE
from replank.testbed.node.disk import Disk
from replank.testbed.node.part import load_part
from replank.testbed.node.state import Pod, version_of
from replank.testbed.node.systemd import CONTAINERD
from replank.testbed.node.told import Told
from replank.testbed.node.world import World
from replank.testbed.world import Machine

_ROOM = 40 << 30
_DOCKERS = ("docker.socket", "docker.service", "cri-docker.service")
_IMAGES = runtime_commands.DOCKER_IMAGES.call(path=runtime_commands.DOCKER_SOCKET).line


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a kubelet tells the API. `containers`: (uid of the pod, name) -> (ID with its runtime, restarts,
    whether it runs)."""

    runtime: str
    containers: dict[tuple[str, str], tuple[str, int, bool]]


class MachineWorld(World):
    """A machine's. Real time, but what is only waited for is skipped; programs take no time of their own."""

    def __init__(self, name: str, root: Path) -> None:
        super().__init__(root)
        self.name = name
        self.clock, self.step, self.free = 0.0, 0.0, _ROOM
        self.docker_driver = "systemd"
        self.report: Report | None = None

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.clock

    def new_id(self, prefix: str = "") -> str:  # noqa: ARG002  (real IDs tell nothing)
        """For a container."""
        self.serial += 1
        return hashlib.sha256(f"{self.name} {self.serial}".encode()).hexdigest()

    def tick(self) -> None:
        """The kubelet's sync. One that is down, or whose runtime does not answer, tells nothing."""
        super().tick()
        runtime = self.kubelet_runtime() if self.on("kubelet.service") else ""
        if not runtime:
            return
        beside = self.command_line(BESIDE)
        scheme, version, store = (
            ("docker", DOCKER, self.docker)
            if runtime == "docker"
            else ("containerd", version_of(self.path(beside[0])) if beside else self.daemon, self.cri)
        )
        self.report = Report(
            runtime=f"{scheme}://{version}",
            containers={
                (c["uid"], c["name"]): (f"{scheme}://{c['id']}", c["restarts"], c["up"])
                for c in store
                if c["type"] == "container"
            },
        )


class Node:
    """A node on containerd or Docker, whose files lie in `root`. It does one thing at a time, whoever asks.

    `pods`: those that run on it now; `uid` as the kubelet calls a pod.
    """

    def __init__(self, machine: Machine, root: Path, pods: Sequence[Pod]) -> None:
        self.machine = machine
        self.world = MachineWorld(machine.server_name, root)
        self._disk = Disk(machine, root)
        self._told = Told.by(machine)
        self._busy = threading.Lock()
        self._loaded: tuple[bytes, ModuleType] | None = None
        self._furnish(pods)

    def _furnish(self, pods: Sequence[Pod]) -> None:
        world = self.world
        self._disk.lay_out()
        for folder in ("run/systemd/system", "var/lib/cni/networks/podnet", "proc"):
            world.path(folder).mkdir(parents=True, exist_ok=True)
        images = self.machine.commands.get(_IMAGES, "[]")
        world.docker_images = {name: i["Id"] for i in json.loads(images) for name in i["RepoTags"]}
        world.debs = self.machine.debs
        on_docker = bool(world.docker_images)
        for unit in ("containerd.service", "kubelet.service", *(_DOCKERS if on_docker else ())):
            state = self.machine.units.get(unit, "enabled")
            world.units[unit] = {"active": unit != CONTAINERD, "enabled": state}
        world.start_unit(CONTAINERD, world.units[CONTAINERD])
        for plugin in ("bridge", "portmap"):
            world.write(f"opt/cni/bin/{plugin}", "a stand-in: the twin does what it would do\n", 0o755)
        for pod in pods:
            world.path(f"var/lib/kubelet/pods/{pod['uid']}").mkdir(parents=True, exist_ok=True)
            if on_docker:
                world.start_pod(pod, [], world.docker, docker=True)
            else:
                world.run_pod(pod, world.cri, docker=False)
        world.pods = list(pods)
        world.tick()

    def python3(self, program: str, words: Sequence[str]) -> tuple[int, bytes, bytes]:
        """`python3 PROGRAM WORDS` as root: exit status, stdout, stderr. What it starts as a unit of its own
        works on when it has ended."""
        if program not in self.machine.files or program != NODE_PART:
            return 2, b"", f"python3: can't open file '{program}': No such file or directory\n".encode()
        with self._busy:
            status, seen = self._part(words[0], words[1] if words[1:] else "run")
            unit = self.world.transient.get(swap_node.RUN_UNIT)
        if unit is not None:
            threading.Thread(target=self._run, args=(unit[-1],), name=self.world.name, daemon=True).start()
        return status, self.world.inside(json.dumps(seen, sort_keys=True) + "\n").encode(), b""

    def _run(self, verb: str) -> None:
        """The transient unit: the part, as systemd starts it."""
        with self._busy:
            self._part(verb, "run")
            self.world.transient.pop(swap_node.RUN_UNIT, None)

    def _part(self, command: str, verb: str) -> tuple[int, dict[str, Any]]:
        self._disk.lay_out()
        try:
            part = self._program()
            status, seen = part.answer(command, verb, self.world.path(FOLDER), self.world)
        finally:
            self._disk.take_back()
            self._told.renew(self.machine, self.world)
        return int(status), dict(seen)

    def _program(self) -> ModuleType:
        """The file that lies on the node, as Python runs it, with this node's root as its own."""
        path = self.world.path(NODE_PART)
        content = path.read_bytes()
        if self._loaded is None or self._loaded[0] != content:
            self._loaded = (content, load_part(path, self.world.root))
        return self._loaded[1]
