"""The kubelet: it starts what is missing on the runtime that its flags name."""

from __future__ import annotations

import json
import re

from replank.testbed.node.cri import Cri
from replank.testbed.node.docker import Docker
from replank.testbed.node.state import Container, Pod
from replank.testbed.node.systemd import CONTAINERD


class Kubelet(Cri, Docker):
    """`pods`: those that the API gives to this node."""

    def kubelet_runtime(self) -> str:
        """`docker`, `cri`, or "" while none answers."""
        if not self.docker_images:
            return "cri" if self.on(CONTAINERD) else ""
        endpoint = self.endpoint()
        if endpoint and "cri-dockerd" not in endpoint:
            return "cri" if self.cri_up(["", endpoint]) else ""
        speaks = "cri-docker.service" not in self.units or self.on("cri-docker.service")
        return "docker" if self.on("docker.service") and speaks else ""

    def endpoint(self) -> str:
        """Where the kubelet asks its runtime, "" = it speaks to Docker itself. A flag wins over its file."""
        flags, config = (self.path(f"var/lib/kubelet/{n}") for n in ("kubeadm-flags.env", "config.yaml"))
        by_flag = re.search(r"--container-runtime-endpoint=unix://([^\s\"]+)", flags.read_text())
        by_file = re.search(r"containerRuntimeEndpoint: [\"']?unix://([^\s\"']+)", config.read_text())
        found = by_flag or by_file
        return found.group(1) if found else ""

    def tick(self) -> None:
        """The kubelet's sync: what is missing on the runtime of its flags starts, in new sandboxes."""
        if not self.on("kubelet.service") or "kubelet" in self.broken:
            return
        runtime = self.kubelet_runtime()
        if not runtime or (runtime == "cri" and "pods do not start" in self.broken):
            return
        if runtime == "docker" and "pods do not return" in self.broken:
            return
        store = self.docker if runtime == "docker" else self.cri
        for pod in self.pods:
            own = [c for c in store if c["uid"] == pod["uid"]]
            if any(c["up"] and c["type"] == "podsandbox" for c in own):
                self.restart_containers(pod, own)
                continue
            self.start_pod(pod, own, store, docker=runtime == "docker")

    def restart_containers(self, pod: Pod, own: list[Container]) -> None:
        """Those that have ended in a sandbox that runs on."""
        for name in pod["containers"]:
            mine = [c for c in own if c["name"] == name]
            if mine and not any(c["up"] for c in mine) and not pod.get("never"):
                self.serial += 1
                mine[-1].update(up=True, pid=self.serial, restarts=mine[-1]["restarts"] + 1)

    def start_pod(self, pod: Pod, own: list[Container], store: list[Container], *, docker: bool) -> None:
        """A new sandbox, and the pod's containers in it."""
        cache = self.path("var/lib/cni/cache/results" if docker else "var/lib/cni/results")
        for dead in [c for c in own if c["type"] == "podsandbox"]:
            self.cni_del(dead["id"], cache)
        sandbox = self.run_pod(pod, store, docker=docker)
        if not pod.get("host_network"):
            self.cni_add(sandbox, pod, cache)

    def run_pod(self, pod: Pod, store: list[Container], *, docker: bool) -> str:
        """Its sandbox, which has no address yet, and its containers. The sandbox's ID."""
        sandbox = self.new_id("d" if docker else "c")
        for name in ["POD", *pod["containers"]]:
            self.serial += 1
            one: Container = {
                "id": sandbox if name == "POD" else self.new_id(),
                "uid": pod["uid"],
                "name": name,
                "type": "podsandbox" if name == "POD" else "container",
                "sandbox": sandbox,
                "pid": self.serial,
                "up": True,
                "shim": "" if docker or self.docker_images else self.shim(),
                "restarts": self.starts(pod, name),
            }
            store.append(one)
            self.container_files(pod, one, docker=docker)
        return sandbox

    def starts(self, pod: Pod, name: str) -> int:
        """How often a container was started on this node before, in whatever runtime. It counts its logs."""
        return len([c for c in (*self.docker, *self.cri) if (c["uid"], c["name"]) == (pod["uid"], name)])

    def container_files(self, pod: Pod, one: Container, *, docker: bool) -> None:
        """The files of a container that was started: its task, its log."""
        if not docker and self.docker_images:
            self.task(one["id"]).mkdir(parents=True, exist_ok=True)
            mounts = [] if one["name"] == "POD" else [{"source": m} for m in pod.get("mounts", ())]
            (self.task(one["id"]) / "config.json").write_text(json.dumps({"mounts": mounts}))
        if one["name"] == "POD":
            return
        logs = self.path(f"var/log/pods/default_{pod['name']}_{pod['uid']}/{one['name']}")
        logs.mkdir(parents=True, exist_ok=True)
        if docker:
            log = self.docker_log(one["id"])
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f'{{"log":"{one["id"][:6]}\\n"}}\n')
            for old in logs.glob("*.log"):  # dockershim puts a link of its own in the place of what is there
                old.unlink()
            (logs / "0.log").symlink_to(log)
        elif self.docker_images:
            (logs / "1.log").write_text(f"2026-01-01T00:00:00Z stdout F {one['id'][:6]}\n")
