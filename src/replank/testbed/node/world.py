"""The whole node: programs that are started on it, faults in them, and a reboot."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree  # the node's own `shutil.rmtree` is a point at which it can be killed

from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.node.apt import Apt
from replank.testbed.node.kubelet import Kubelet
from replank.testbed.node.systemd import CONTAINERD, Answer


class Killed(BaseException):
    """`kill -9`: nothing after this line of the node's code is done."""


class World(Kubelet, Apt):
    """Everything that the node's code reaches and that is no file. Time passes only by what is done in it."""

    def now(self) -> float:
        """Epoch seconds."""
        return self.clock

    def sleep(self, seconds: float) -> None:
        """Time that is only waited for is skipped."""
        self.clock += seconds

    def boot(self) -> str:
        """Which boot of the machine this is."""
        return f"boot-{self.boot_number}"

    def proc(self) -> Path:
        """Its processes, as far as somebody has put any there."""
        return self.path("proc")

    def free_bytes(self, path: str) -> int:  # noqa: ARG002  (one disk holds all)
        """Room on the disk."""
        return self.free

    def healthy(self, url: str) -> bool:  # noqa: ARG002  (the kubelet's is the only one)
        """The kubelet's healthz."""
        self.tick()
        return self.on("kubelet.service") and "kubelet" not in self.broken

    def answers(self, host: str, port: int) -> bool:  # noqa: ARG002  (chains name no host)
        """Whether whoever has the port runs."""
        self.tick()
        chain = self.chains.get(str(port), [])
        running = {c["id"] for c in [*self.docker, *self.cri] if c["up"]}
        return bool(chain) and chain[0] in running

    def spawn(
        self, argv: Sequence[str], stdin: str, env: dict[str, str], seconds: float
    ) -> tuple[int, str, str]:
        """Runs a program, or what is in its place."""
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        self.spawned.append(line)
        self.hook(f"before {line}")
        self.clock += self.step
        self.tick()
        fault = next((what for pattern, what in self.faults.items() if re.search(pattern, line)), "")
        if fault == "hang":
            self.clock += seconds
            return swap_node.TIMED_OUT, "", f"no end after {seconds:.0f} s"
        code, out = (1, "injected") if fault else self.answer(list(argv), stdin, env)
        self.hook(f"after {line}")
        return code, out if code == 0 else "", "" if code == 0 else out or "failed"

    def spawn_each(self, argvs: Sequence[Sequence[str]], seconds: float) -> list[tuple[int, str, str]]:
        """One after another: a simulated node can be ended at the same place twice."""
        return [self.spawn(argv, "", {}, seconds) for argv in argvs]

    def pipe(self, giver: Sequence[str], taker: Sequence[str], seconds: float) -> tuple[int, int, str]:
        """`docker save | ctr images import`."""
        line = " ".join([*giver, "|", *taker])
        self.spawned.append(line)
        self.hook(f"before {line}")
        fault = next((what for pattern, what in self.faults.items() if re.search(pattern, line)), "")
        if fault == "full":
            # As seen: ctr's end takes docker along.
            return -signal.SIGPIPE, 1, "ctr: failed to ingest: write: no space left on device"
        if fault == "hang":
            self.clock += seconds
            return swap_node.TIMED_OUT, swap_node.TIMED_OUT, "no end"
        name = giver[-1]
        if fault or name not in self.docker_images or not self.on("docker.service"):
            return 1, 1, "Error response from daemon: unable to export layer"
        self.cri_images[_normal(name)] = self.docker_images[name]
        self.cri_images[self.docker_images[name]] = self.docker_images[name]
        self.hook(f"after {line}")
        return 0, 0, ""

    def answer(self, argv: list[str], stdin: str, env: dict[str, str]) -> Answer:
        """What a program says, by its name."""
        tool = Path(argv[0]).name
        if env.get("CNI_COMMAND"):
            return self.cni_plugin(tool, json.loads(stdin), env)
        program = getattr(self, "do_" + tool.replace("-", "_"), None)
        if program is None:
            return 127, f"{tool}: No such file or directory"
        code, said = program(argv[1:])
        return int(code), str(said)

    def reboot(self) -> None:
        """Every process ends; what is enabled starts."""
        self.boot_number += 1
        self.clock += 20
        self.transient = {}
        self.chains = {}
        rmtree(self.path("run/containerd-replank"), ignore_errors=True)
        for one in [*self.docker, *self.cri]:
            one["up"] = False
        for name, unit in self.units.items():
            unit["active"] = False
            if unit["enabled"] == "enabled" and name != "kubelet.service":
                self.start_unit(name, unit)
        self.units["kubelet.service"]["active"] = self.units["kubelet.service"]["enabled"] == "enabled"
        self.do_systemctl(["daemon-reload"])
        if CONTAINERD in self.units:
            self.start_unit(CONTAINERD, self.units[CONTAINERD])
        self.tick()

    def dump(self) -> str:
        """Docker's and the CRI's containers, to compare."""
        return json.dumps([self.docker, self.cri], sort_keys=True)


def _normal(name: str) -> str:
    return name if "/" in name else f"docker.io/library/{name}"
