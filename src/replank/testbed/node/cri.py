"""containerd's clients: `crictl` over the CRI, and `ctr`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree  # the node's own `shutil.rmtree` is a point at which it can be killed
from typing import Any

from replank.testbed.node.cni import Cni
from replank.testbed.node.containerd import Containerd, is_first
from replank.testbed.node.state import Container
from replank.testbed.node.systemd import CONTAINERD, Answer

BESIDE = "containerd-replank.service"
"""The second containerd, beside Docker."""


class Cri(Containerd, Cni):
    """`cri`: its containers, sandboxes among them; `cri_images`: name -> ID."""

    def cri_unit(self) -> str:
        """The containerd that serves, or will serve, the kubelet."""
        return BESIDE if self.docker_images else CONTAINERD

    def cri_up(self, words: Sequence[str]) -> bool:
        """True if the daemon runs and is asked at the socket that its configuration names."""
        config = self.path("etc/containerd-replank/config.toml")
        named = re.findall(r"""address = ["'](.*)["']""", config.read_text()) if config.exists() else []
        served = named or ["/run/containerd/containerd.sock"]
        asked = words[1].replace("unix://", "")
        return self.on(self.cri_unit()) and asked in served and "cri hangs" not in self.broken

    def do_crictl(self, words: list[str]) -> Answer:
        """`crictl --runtime-endpoint SOCKET ...`."""
        if not self.cri_up(words):
            return 1, "connect: no such file or directory"
        verb, rest = words[2], words[3:]
        if verb == "info":
            ready = "cri plugin" not in self.broken and f"cri plugin {self.daemon}" not in self.broken
            conditions = [{"type": t, "status": ready} for t in ("RuntimeReady", "NetworkReady")]
            return 0, json.dumps({"status": {"conditions": conditions}})
        if verb == "pods":
            return 0, json.dumps({"items": [_sandbox(c) for c in self.cri if c["type"] == "podsandbox"]})
        if verb == "ps":
            containers = [_container(c) for c in self.cri if c["type"] != "podsandbox"]
            return 0, json.dumps({"containers": containers})
        if verb == "inspect":
            return self._inspected(rest[0])
        if verb == "stop":
            self.end_cri_container(rest[-1])
            return 0, rest[-1]
        if verb == "stopp":
            self.end_cri_sandbox(rest[0])
            return 0, f"Stopped sandbox {rest[0]}"
        raise AssertionError(words)

    def _inspected(self, container: str) -> Answer:
        one = next((c for c in self.cri if c["id"] == container), None)
        if one is None:
            return 1, "not found"
        state = "CONTAINER_RUNNING" if one["up"] else "CONTAINER_EXITED"
        return 0, json.dumps({"status": {"state": state, "exitCode": one.get("exit", 255)}})

    def end_cri_sandbox(self, sandbox: str) -> None:
        """Stops a pod; CNI frees what it had."""
        for one in self.cri:
            if sandbox in (one["id"], one.get("sandbox")):
                one["up"] = False
                rmtree(self.task(one["id"]), ignore_errors=True)
        self.cni_del(sandbox, self.path("var/lib/cni/results"))

    def end_cri_container(self, container: str) -> None:
        """Stops one container; its pod stays."""
        for one in self.cri:
            if container == one["id"]:
                one["up"] = False
                rmtree(self.task(container), ignore_errors=True)

    def task(self, container: str) -> Path:
        """The second containerd's folder of a container that runs."""
        return self.path("run/containerd-replank/io.containerd.runtime.v2.task/k8s.io") / container

    def do_ctr(self, words: list[str]) -> Answer:
        """`ctr --address SOCKET --namespace k8s.io ...`."""
        if not self.cri_up(words):
            return 1, "connection refused"
        rest = words[4:]
        if rest[:2] == ["tasks", "ls"]:
            rows = [f"{c['id']} {c['pid']} RUNNING" for c in self.cri if c["up"]]
            return 0, "\n".join(["TASK PID STATUS", *rows])
        if rest[:2] == ["plugins", "ls"]:
            bad = "error" if "plugin error" in self.broken and not is_first(self.daemon) else "ok"
            rows = ["io.containerd.snapshotter.v1 aufs linux/amd64 skip", f"io.containerd.nri.v1 nri - {bad}"]
            return 0, "\n".join(["TYPE ID PLATFORMS STATUS", *rows])
        return self._ctr_images(rest) if rest[:1] == ["images"] else self._ctr_trial(rest)

    def _ctr_images(self, rest: list[str]) -> Answer:
        if rest[1] == "ls":
            return 0, "\n".join(self.cri_images)
        if rest[1] == "tag":
            self.cri_images[rest[-1]] = self.cri_images[rest[-2]]
        elif rest[1] == "rm":
            self.cri_images.pop(rest[-1])
        elif rest[1] == "label":
            self.labels.append(rest[2])
        return 0, ""

    def _ctr_trial(self, rest: list[str]) -> Answer:
        """A container that is only tried."""
        if rest[:1] == ["run"]:
            if "no container starts" in self.broken or rest[-2] not in self.cri_images:
                return 1, "ctr: failed to mount rootfs component: invalid argument"
            self.trial = [rest[-1]]
        if rest[:2] == ["containers", "ls"]:
            return 0, "\n".join(self.trial)
        if rest[:2] == ["containers", "rm"]:
            self.trial = []
        return 0, ""


def _sandbox(one: Container) -> dict[str, Any]:
    state = "SANDBOX_READY" if one["up"] else "SANDBOX_NOTREADY"
    return {"id": one["id"], "metadata": {"name": one["name"], "uid": one["uid"]}, "state": state}


def _container(one: Container) -> dict[str, Any]:
    return {
        "id": one["id"],
        "podSandboxId": one["sandbox"],
        "metadata": {"name": one["name"]},
        "state": "CONTAINER_RUNNING" if one["up"] else "CONTAINER_EXITED",
        "labels": {"io.kubernetes.pod.uid": one["uid"]},
    }
