"""A node as `swap_node.py` sees it: systemd, Docker, containerd, kubelet and CNI, on files below one folder.

It behaves like the real parts where that matters: `docker stop` calls no CNI; a host port belongs to the
first chain that names it; the kubelet starts what is missing in the runtime that its flags name; a restart
of containerd leaves containers alone; an old containerd kills what a new shim started; a reboot ends every
process, transient unit and chain, and starts what is enabled. Facts: what was seen on real nodes.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree  # the node's own `shutil.rmtree` is a point at which it can be killed
from typing import Any

from replank.migrations.runtime_swap.node import swap_node

NET = "podnet"
OLD, NEW = "1.7.29", "2.3.5"
CHAIN = {
    "cniVersion": "0.4.0",
    "name": NET,
    "plugins": [
        {"type": "bridge", "ipam": {"type": "host-local"}},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}
DUMP = """version = {version}
root = "/var/lib/containerd"
imports = [
  "/etc/containerd/config.toml"
]
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = {systemd}
"""


class Killed(BaseException):
    """`kill -9`: nothing after this line of the node's code is done."""


class World(swap_node.Outside):
    """`root`: the node's file system. `faults` and `broken`: what goes wrong."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = 1_000_000.0
        self.boot_number = 1
        self.units: dict[str, dict[str, Any]] = {}
        self.transient: dict[str, list[str]] = {}
        self.docker: list[dict[str, Any]] = []
        self.cri: list[dict[str, Any]] = []
        self.pods: list[dict[str, Any]] = []
        self.chains: dict[str, list[str]] = {}
        self.docker_images: dict[str, str] = {}
        self.cri_images: dict[str, str] = {}
        self.labels: list[str] = []
        self.trial: list[str] = []
        self.daemon = OLD
        self.drop_in = ""
        self.serial = 100
        self.spawned: list[str] = []
        # What goes wrong: a pattern of command lines -> "fail" | "hang"; and single faults by name.
        self.faults: dict[str, str] = {}
        self.broken: list[str] = []
        self.free = 1 << 40
        self.hook: Callable[[str], None] = lambda point: None

    # ---- files

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def write(self, name: str, content: str, mode: int = 0o644) -> Path:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        path.chmod(mode)
        return path

    # ---- what is outside of the node's code

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def boot(self) -> str:
        return f"boot-{self.boot_number}"

    def free_bytes(self, path: str) -> int:
        return self.free

    def healthy(self, url: str) -> bool:
        self.tick()
        return self.on("kubelet.service") and "kubelet" not in self.broken

    def answers(self, host: str, port: int) -> bool:
        self.tick()
        chain = self.chains.get(str(port), [])
        running = {c["id"] for c in [*self.docker, *self.cri] if c["up"]}
        return bool(chain) and chain[0] in running

    def spawn(
        self, argv: Sequence[str], stdin: str, env: dict[str, str], seconds: float
    ) -> tuple[int, str, str]:
        line = " ".join([Path(argv[0]).name, *argv[1:]])
        self.spawned.append(line)
        self.hook(f"before {line}")
        self.clock += 0.05
        self.tick()
        fault = next((what for pattern, what in self.faults.items() if re.search(pattern, line)), "")
        if fault == "hang":
            self.clock += seconds
            return swap_node.TIMED_OUT, "", f"no end after {seconds:.0f} s"
        code, out = (1, "injected") if fault else self.answer(list(argv), stdin, env)
        self.hook(f"after {line}")
        return code, out if code == 0 else "", "" if code == 0 else out or "failed"

    def pipe(self, giver: Sequence[str], taker: Sequence[str], seconds: float) -> tuple[int, int, str]:
        line = " ".join([*giver, "|", *taker])
        self.spawned.append(line)
        self.hook(f"before {line}")
        fault = next((what for pattern, what in self.faults.items() if re.search(pattern, line)), "")
        if fault == "full":
            return 0, 1, "ctr: failed to ingest: write: no space left on device"
        if fault == "hang":
            self.clock += seconds
            return swap_node.TIMED_OUT, swap_node.TIMED_OUT, "no end"
        name = giver[-1]
        if fault or name not in self.docker_images or not self.on("docker.service"):
            return 1, 1, "Error response from daemon: unable to export layer"
        self.cri_images[normal(name)] = self.docker_images[name]
        self.cri_images[self.docker_images[name]] = self.docker_images[name]
        self.hook(f"after {line}")
        return 0, 0, ""

    def answer(self, argv: list[str], stdin: str, env: dict[str, str]) -> tuple[int, str]:
        tool = Path(argv[0]).name
        if env.get("CNI_COMMAND"):
            return self.cni_plugin(tool, json.loads(stdin), env)
        return getattr(self, "do_" + tool.replace("-", "_"))(argv[1:])

    # ---- systemd

    def on(self, unit: str) -> bool:
        return bool(self.units.get(unit, {}).get("active"))

    def unit_file(self, unit: str) -> Path:
        return self.path("etc/systemd/system") / unit

    def do_systemctl(self, words: list[str]) -> tuple[int, str]:
        verb, unit = words[0], words[min(1, len(words) - 1)]
        if verb == "daemon-reload":
            path = self.path("etc/systemd/system/containerd.service.d/90-replank.conf")
            self.drop_in = path.read_text() if path.exists() else ""
            return 0, ""
        if verb == "reset-failed":
            return 0, ""
        if unit not in self.units and self.unit_file(unit).exists():
            self.units[unit] = {"active": False, "enabled": "disabled"}
        known = self.units.get(unit)
        if verb == "show":
            if known is None:
                return 0, "LoadState=not-found\nActiveState=inactive\nUnitFileState=\n"
            state = "active" if known["active"] else "inactive"
            more = f"KillMode={known.get('killmode', 'process')}\nDelegate=yes\n"
            return 0, f"LoadState=loaded\nActiveState={state}\nUnitFileState={known['enabled']}\n{more}"
        if verb == "stop" and unit.startswith("replank-swap"):
            self.transient.pop(unit, None)
            return 0, ""
        if known is None:
            return 5, f"Unit {unit} not found."
        if verb in ("enable", "disable"):
            known["enabled"] = verb + "d"
            if unit == swap_node.RESUME_UNIT and not self.unit_file(unit).exists():
                self.units.pop(unit)
        elif verb == "stop":
            known["active"] = False
        elif verb in ("start", "restart"):
            return self.start_unit(unit, known)
        return 0, ""

    def start_unit(self, unit: str, known: dict[str, Any]) -> tuple[int, str]:
        known["active"] = False
        if unit == "containerd.service":
            self.start_daemon()
        if unit in self.broken or (
            unit == "containerd.service" and f"containerd {self.daemon}" in self.broken
        ):
            return 1, f"Job for {unit} failed."
        known["active"] = True
        self.tick()
        return 0, ""

    def do_systemd_run(self, words: list[str]) -> tuple[int, str]:
        name = next(w.partition("=")[2] for w in words if w.startswith("--unit="))
        name = f"{name}.timer" if any(w.startswith("--on-active") for w in words) else name
        if name in self.transient:
            return 1, f"Unit {name} already exists."
        self.transient[name] = words
        return 0, ""

    # ---- containerd in place

    def start_daemon(self) -> None:
        """The daemon that the loaded drop-in names; an old one kills what a new shim runs."""
        self.daemon = NEW if f"ExecStart={self.path('opt/new/containerd')} " in self.drop_in else OLD
        if self.daemon == OLD:
            for one in self.cri:
                if one.get("shim") == "new":
                    one["up"] = False

    def shim(self) -> str:
        if self.daemon == OLD:
            return "old"
        folders = (re.findall(r"^Environment=PATH=(.*)$", self.drop_in, re.MULTILINE) or [""])[0].split(":")
        name = "containerd-shim-runc-v2"
        first = next(Path(f) / name for f in folders if (Path(f) / name).exists())
        return "old" if first.read_text() == "old shim" else "new"

    def do_containerd(self, words: list[str]) -> tuple[int, str]:
        config = Path(words[1])
        if not config.exists():
            return 1, f"no file {config}"
        systemd = re.search(r"SystemdCgroup = (true|false)", config.read_text())
        return 0, DUMP.format(version=3, systemd=systemd.group(1) if systemd else "false")

    do_containerd_old = do_containerd

    def do_apt_get(self, words: list[str]) -> tuple[int, str]:
        return 0, ""

    # ---- the CRI

    def cri_unit(self) -> str:
        return "containerd-replank.service" if self.docker_images else "containerd.service"

    def cri_up(self, words: Sequence[str]) -> bool:
        """True if the daemon runs and is asked at the socket that its configuration names."""
        config = self.path("etc/containerd-replank/config.toml")
        wanted = re.search(r'address = "(.*)"', config.read_text()) if config.exists() else None
        asked = words[1].replace("unix://", "")
        served = wanted.group(1) if wanted else "/run/containerd/containerd.sock"
        return self.on(self.cri_unit()) and asked == served and "cri hangs" not in self.broken

    def do_crictl(self, words: list[str]) -> tuple[int, str]:
        if not self.cri_up(words):
            return 1, "connect: no such file or directory"
        verb, rest = words[2], words[3:]
        if verb == "info":
            ready = "cri plugin" not in self.broken and f"cri plugin {self.daemon}" not in self.broken
            conditions = [{"type": t, "status": ready} for t in ("RuntimeReady", "NetworkReady")]
            return 0, json.dumps({"status": {"conditions": conditions}})
        if verb == "pods":
            return 0, json.dumps({"items": [sandbox_item(c) for c in self.cri if c["type"] == "podsandbox"]})
        if verb == "ps":
            return 0, json.dumps(
                {"containers": [container_item(c) for c in self.cri if c["type"] != "podsandbox"]}
            )
        if verb == "inspect":
            one = next((c for c in self.cri if c["id"] == rest[0]), None)
            if one is None:
                return 1, "not found"
            state = "CONTAINER_RUNNING" if one["up"] else "CONTAINER_EXITED"
            return 0, json.dumps({"status": {"state": state, "exitCode": one.get("exit", 255)}})
        if verb == "stopp":
            self.end_cri_sandbox(rest[0])
            return 0, f"Stopped sandbox {rest[0]}"
        raise AssertionError(words)

    def end_cri_sandbox(self, sandbox: str) -> None:
        for one in self.cri:
            if sandbox in (one["id"], one.get("sandbox")):
                one["up"] = False
                rmtree(self.task(one["id"]), ignore_errors=True)
        self.cni_del(sandbox, self.path("var/lib/cni/results"))

    def task(self, container: str) -> Path:
        return self.path("run/containerd-replank/io.containerd.runtime.v2.task/k8s.io") / container

    def do_ctr(self, words: list[str]) -> tuple[int, str]:
        if not self.cri_up(words):
            return 1, "connection refused"
        rest = words[4:]
        if rest[:2] == ["tasks", "ls"]:
            rows = [f"{c['id']} {c['pid']} RUNNING" for c in self.cri if c["up"]]
            return 0, "\n".join(["TASK PID STATUS", *rows])
        if rest[:2] == ["plugins", "ls"]:
            bad = "error" if "plugin error" in self.broken and self.daemon == NEW else "ok"
            rows = ["io.containerd.snapshotter.v1 aufs linux/amd64 skip", f"io.containerd.nri.v1 nri - {bad}"]
            return 0, "\n".join(["TYPE ID PLATFORMS STATUS", *rows])
        if rest[:2] == ["images", "ls"]:
            return 0, "\n".join(self.cri_images)
        if rest[:1] == ["run"]:
            if "no container starts" in self.broken or rest[-2] not in self.cri_images:
                return 1, "ctr: failed to mount rootfs component: invalid argument"
            self.trial = [rest[-1]]
        if rest[:2] == ["containers", "ls"]:
            return 0, "\n".join(self.trial)
        if rest[:2] == ["containers", "rm"]:
            self.trial = []
        if rest[:2] == ["images", "tag"]:
            self.cri_images[rest[-1]] = self.cri_images[rest[-2]]
        elif rest[:2] == ["images", "rm"]:
            self.cri_images.pop(rest[-1])
        elif rest[:2] == ["images", "label"]:
            self.labels.append(rest[2])
        return 0, ""

    # ---- Docker

    def do_docker(self, words: list[str]) -> tuple[int, str]:
        if not self.on("docker.service"):
            return 1, "Cannot connect to the Docker daemon"
        verb = words[0]
        if verb == "info":
            return 0, "cgroupfs\n" if "Cgroup" in words[-1] else "20.10.24\n"
        if verb == "ps":
            rows = [
                [c["id"], "Up 1 hour" if c["up"] else "Exited (0)", c["uid"], c["name"], c["type"]]
                for c in self.docker
            ]
            return 0, "\n".join("\t".join(row) for row in rows)
        if verb in ("stop", "kill"):
            for one in self.docker:
                if one["id"] in words and not ("docker stop" in self.broken and verb == "stop"):
                    one["up"] = False  # and no CNI DEL
        elif verb == "inspect":
            return 0, "\n".join(str(self.docker_log(c["id"])) for c in self.docker if c["id"] in words)
        elif verb == "rm":
            for one in [c for c in self.docker if c["id"] in words]:
                rmtree(self.docker_log(one["id"]).parent, ignore_errors=True)
                self.docker.remove(one)
        elif verb == "tag":
            self.docker_images[words[2]] = words[1]
        elif verb == "rmi":
            self.docker_images.pop(words[1], None)
        return 0, ""

    def docker_log(self, container: str) -> Path:
        return self.path(f"var/lib/docker/containers/{container}/{container}-json.log")

    # ---- CNI

    def cni_add(self, sandbox: str, pod: dict[str, Any], cache: Path) -> None:
        taken = {p.name for p in self.path(f"var/lib/cni/networks/{NET}").iterdir()}
        address = next(a for a in (f"10.244.1.{n}" for n in range(2, 250)) if a not in taken)
        self.write(f"var/lib/cni/networks/{NET}/{address}", f"{sandbox}\neth0")
        entry: dict[str, Any] = {
            "kind": "cniCacheV1",
            "containerId": sandbox,
            "ifName": "eth0",
            "networkName": NET,
            "config": base64.b64encode(json.dumps(CHAIN).encode()).decode(),
            "cniArgs": [["K8S_POD_NAME", pod["name"]]],
            "result": {"cniVersion": "0.4.0", "ips": [{"address": f"{address}/24"}]},
        }
        if pod.get("port"):
            mapping = {"hostPort": pod["port"], "containerPort": 80, "protocol": "tcp", "hostIP": ""}
            entry["capabilityArgs"] = {"portMappings": [mapping]}
            self.chains.setdefault(str(pod["port"]), []).append(sandbox)
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"{NET}-{sandbox}-eth0").write_text(json.dumps(entry))

    def cni_del(self, sandbox: str, cache: Path) -> None:
        """What a runtime does for a sandbox: its plugins free all that they gave."""
        self.cni_plugin(
            "portmap", {"prevResult": 1, "runtimeConfig": {"portMappings": 1}}, {"CNI_CONTAINERID": sandbox}
        )
        self.cni_plugin("bridge", {"prevResult": 1}, {"CNI_CONTAINERID": sandbox})
        (cache / f"{NET}-{sandbox}-eth0").unlink(missing_ok=True)

    def cni_plugin(self, name: str, given: dict[str, Any], env: dict[str, str]) -> tuple[int, str]:
        container = env["CNI_CONTAINERID"]
        if env.get("CNI_NETNS") or "prevResult" not in given:
            return 1, json.dumps({"code": 4, "msg": "called with a namespace, or without the result"})
        if name == "portmap" and "portMappings" in given.get("runtimeConfig", {}):
            self.chains = {p: [c for c in chain if c != container] for p, chain in self.chains.items()}
        if name == "bridge":
            for path in self.path(f"var/lib/cni/networks/{NET}").iterdir():
                if path.read_text().split("\n")[0] == container:
                    path.unlink()
        return 0, "{}"

    # ---- the kubelet

    def kubelet_runtime(self) -> str:
        flags = self.path("var/lib/kubelet/kubeadm-flags.env").read_text()
        if not self.docker_images:
            return "cri" if self.on("containerd.service") else ""
        named = re.search(r"--container-runtime-endpoint=unix://(\S+?)\"?$", flags.strip())
        if named:
            return "cri" if self.cri_up(["", named.group(1)]) else ""
        return "docker" if self.on("docker.service") else ""

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

    def restart_containers(self, pod: dict[str, Any], own: list[dict[str, Any]]) -> None:
        for name in pod["containers"]:
            mine = [c for c in own if c["name"] == name]
            if mine and not any(c["up"] for c in mine) and not pod.get("never"):
                self.serial += 1
                mine[-1].update(up=True, pid=self.serial)

    def start_pod(
        self, pod: dict[str, Any], own: list[dict[str, Any]], store: list[dict[str, Any]], *, docker: bool
    ) -> None:
        cache = self.path("var/lib/cni/cache/results" if docker else "var/lib/cni/results")
        for dead in [c for c in own if c["type"] == "podsandbox"]:
            self.cni_del(dead["id"], cache)
        self.serial += 1
        sandbox = f"{'d' if docker else 'c'}{self.serial:05d}".ljust(64, "0")
        for name in ["POD", *pod["containers"]]:
            self.serial += 1
            one = {
                "id": sandbox if name == "POD" else f"{self.serial:06d}".ljust(64, "a"),
                "uid": pod["uid"],
                "name": name,
                "type": "podsandbox" if name == "POD" else "container",
                "sandbox": sandbox,
                "pid": self.serial,
                "up": True,
                "shim": "" if docker else self.shim() if not self.docker_images else "old",
            }
            store.append(one)
            self.container_files(pod, one, docker)
        self.cni_add(sandbox, pod, cache)

    def container_files(self, pod: dict[str, Any], one: dict[str, Any], docker: bool) -> None:
        if not docker and self.docker_images:
            self.task(one["id"]).mkdir(parents=True, exist_ok=True)
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

    # ---- a reboot, and other processes

    def reboot(self) -> None:
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
        if "containerd.service" in self.units:
            self.start_unit("containerd.service", self.units["containerd.service"])
        self.tick()

    def dump(self) -> str:
        """Docker's and the CRI's containers, to compare."""
        return json.dumps([self.docker, self.cri], sort_keys=True)


def normal(name: str) -> str:
    return name if "/" in name else f"docker.io/library/{name}"


def sandbox_item(one: dict[str, Any]) -> dict[str, Any]:
    state = "SANDBOX_READY" if one["up"] else "SANDBOX_NOTREADY"
    return {"id": one["id"], "metadata": {"name": one["name"], "uid": one["uid"]}, "state": state}


def container_item(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "podSandboxId": one["sandbox"],
        "metadata": {"name": one["name"]},
        "state": "CONTAINER_RUNNING" if one["up"] else "CONTAINER_EXITED",
        "labels": {"io.kubernetes.pod.uid": one["uid"]},
    }
