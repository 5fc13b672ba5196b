"""Two nodes before their swap, each with its plan.json."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from replank.migrations.runtime_swap.node import swap_node
from replank.testbed.node.state import NET
from replank.testbed.node.world import World

OLD, NEW = "1.7.29", "2.3.5"
CONFIG = """version = 3
root = "/var/lib/containerd"
imports = [
  "/etc/containerd/config.toml"
]
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = {systemd}
"""
PAUSE = "sha256:" + "1" * 64
WEB = "sha256:" + "2" * 64
BARE = "sha256:" + "3" * 64


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def common(world: World, strategy: str) -> dict[str, Any]:
    return {
        "schema": swap_node.SCHEMA,
        "id": "swap-1",
        "node": "worker-1",
        "strategy": strategy,
        "deadline_seconds": 600,
        "verify_seconds": 60,
        "poll_seconds": 1,
        "cgroup_driver": "cgroupfs",
        "room": [{"path": "/var/lib", "bytes": 1 << 20}],
        "kubelet": {
            "unit": "kubelet.service",
            "healthz": "http://127.0.0.1:10248/healthz",
            "config": str(
                world.write(
                    "var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n"
                )
            ),
            "flags_file": str(world.path("var/lib/kubelet/kubeadm-flags.env")),
            "pods_folder": str(world.path("var/lib/kubelet/pods")),
        },
        "pods": {"restartable": [], "agreed": "refuse", "not_waited_for": []},
        "host_ports": [],
        "accepted_plugin_errors": [],
        "gently": ["nice"],
        "tools": {},
        "paths": {
            "units": str(world.path("etc/systemd/system")),
            "systemd_runtime": str(world.path("run/systemd/system")),
            "proc": str(world.path("proc")),
        },
    }


def furnish(world: World) -> None:
    for folder in (
        "run/systemd/system",
        "proc/self",
        f"var/lib/cni/networks/{NET}",
        "etc/systemd/system",
        "base",
    ):
        world.path(folder).mkdir(parents=True, exist_ok=True)
    world.write("proc/self/mounts", "overlay / overlay rw 0 0\n")
    for plugin in ("bridge", "portmap"):
        world.write(f"opt/cni/bin/{plugin}", "", 0o755)
    world.pods = [
        {"uid": "uid-web", "name": "web", "containers": ["web", "side"], "port": 8080},
        {
            "uid": "uid-agent",
            "name": "agent",
            "containers": ["agent"],
            "mounts": [str(world.path("var/log"))],
        },
    ]
    for pod in world.pods:
        world.path(f"var/lib/kubelet/pods/{pod['uid']}").mkdir(parents=True)
    world.units["kubelet.service"] = {"active": True, "enabled": "enabled"}


def in_place(root: Path) -> tuple[World, dict[str, Any]]:
    """A node on containerd 1.7 with two pods, and a plan for 2.3."""
    world = World(root)
    furnish(world)
    world.units["containerd.service"] = {"active": True, "enabled": "enabled"}
    world.write("var/lib/kubelet/kubeadm-flags.env", "KUBELET_KUBEADM_ARGS=\n")
    world.write("etc/containerd/config.toml", CONFIG.format(systemd="false"))
    new = world.write("opt/new/containerd", f"containerd {NEW}", 0o644)
    new_shim = world.write("opt/new/containerd-shim-runc-v2", f"shim {NEW}", 0o644)
    old = world.write("usr/local/bin/containerd-old", f"containerd {OLD}", 0o755)
    old_shim = world.write("usr/local/bin/containerd-shim-runc-v2", f"shim {OLD}", 0o755)
    world.write("usr/lib/systemd/system/containerd.service", f"[Service]\nExecStart={old}\n")
    assert world.start_daemon()
    config = str(world.path("etc/containerd/replank-2.3.5.toml"))
    plan = common(world, "in-place")
    plan["binaries"] = [{"path": str(p), "sha256": sha256(p.read_text())} for p in (new, new_shim)]
    plan["containerd"] = {
        "unit": "containerd.service",
        "daemon": str(new),
        "config": config,
        "socket": "/run/containerd/containerd.sock",
        "files": [{"path": config, "content": CONFIG.format(systemd="false"), "mode": 0o600}],
    }
    expected = swap_node.settings(CONFIG.format(systemd="false"))
    plan["expected"] = {"new": expected, "old": {**expected, "imports": "*"}, "whole": True}
    plan["in_place"] = {
        "old_daemon": str(old),
        "old_config": str(world.path("etc/containerd/config.toml")),
        "old_shim": {"path": str(old_shim), "sha256": sha256(f"shim {OLD}")},
        "old_shim_folder": str(world.path("opt/replank/shim-1.7.29")),
        "drop_in": str(world.path("etc/systemd/system/containerd.service.d/90-replank.conf")),
        "path": ["/usr/local/sbin", "/usr/bin"],
    }
    world.tick()
    return world, plan


def switch(root: Path) -> tuple[World, dict[str, Any]]:
    """A node on Docker with two pods, one with a host port, and a plan for a second containerd."""
    world = World(root)
    furnish(world)
    world.units["docker.socket"] = {"active": True, "enabled": "enabled"}
    world.units["docker.service"] = {"active": True, "enabled": "enabled"}
    world.docker_images = {"registry.k8s.io/pause:3.6": PAUSE, "web:1": WEB}
    flags = world.write(
        "var/lib/kubelet/kubeadm-flags.env", 'KUBELET_KUBEADM_ARGS="--network-plugin=cni"\n', 0o640
    )
    old_flags = flags.read_text()
    daemon = world.write("opt/new/containerd", f"containerd {NEW}", 0o755)
    socket, final = "/run/containerd-replank/containerd.sock", "/run/containerd-final.sock"
    config = str(world.path("etc/containerd-replank/config.toml"))
    unit = str(world.path("etc/systemd/system/containerd-replank.service"))
    plan = common(world, "switch")
    plan["binaries"] = [{"path": str(daemon), "sha256": sha256(f"containerd {NEW}")}]
    toml = 'address = "{}"\n' + CONFIG.format(systemd="false")
    plan["containerd"] = {
        "unit": "containerd-replank.service",
        "daemon": str(daemon),
        "config": config,
        "socket": socket,
        "state": str(world.path("run/containerd-replank")),
        "folders": [str(world.path("var/lib/containerd-replank")), str(world.path("run/containerd-replank"))],
        "files": [
            {"path": config, "content": toml.format(socket)},
            {"path": unit, "content": "[Service]\nExecStart=...\nKillMode=process\n"},
        ],
    }
    plan["expected"] = {"new": swap_node.settings(CONFIG.format(systemd="false")), "old": None}
    plan["switch"] = {
        "docker": {
            "unit": "docker.service",
            "units": ["docker.socket", "docker.service"],
            "data_root": str(world.path("var/lib/docker")),
        },
        "final_socket": final,
        "restart_containerd": True,
        "images": [
            {"save": "web:1", "id": WEB, "references": ["docker.io/library/web:1"], "bytes": 1000},
            {
                "save": "registry.k8s.io/pause:3.6",
                "id": PAUSE,
                "references": ["registry.k8s.io/pause:3.6"],
                "bytes": 100,
                "sandbox": True,
            },
            {"save": "", "id": BARE, "references": ["quay.io/a/b@sha256:" + "4" * 64], "bytes": 10},
        ],
        "files": [
            {
                "path": str(flags),
                "content": f'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix://{final}"\n',
                "mode": 0o600,
                "found_sha256": sha256(old_flags),
            },
            {"path": config, "content": toml.format(final)},
            {
                "path": str(world.path("etc/crictl.yaml")),
                "content": f"runtime-endpoint: unix://{final}\n",
                "found_sha256": None,
            },
            {
                "path": str(world.path("etc/alias.d/deep/10-alias.conf")),
                "content": "[Service]\n",
                "found_sha256": None,
            },
        ],
        "cni": {
            "cache": str(world.path("var/lib/cni/cache/results")),
            "new_cache": str(world.path("var/lib/cni/results")),
            "bin_folders": [str(world.path("opt/cni/bin"))],
            "stores": [str(world.path("var/lib/cni/networks"))],
        },
        "pod_logs": str(world.path("var/log/pods")),
        "stop_seconds": 10,
        "commit": {
            "remove_containers": True,
            "remove_data": True,
            "commands": [["apt-get", "remove", "-y", "docker.io"]],
            "seconds": 100,
        },
    }
    plan["pods"]["restartable"] = ["uid-web", "uid-agent"]
    world.write("var/lib/docker/image/overlay2/repositories.json", "{}")
    world.write("var/lib/docker/overlay2/1/diff/etc/motd", "a layer")
    world.tick()
    return world, plan


def put_plan(world: World, plan: dict[str, Any]) -> None:
    (world.path("base") / "plan.json").write_text(json.dumps(plan))


def tree(world: World) -> dict[str, tuple[Any, ...]]:
    """Every file that a swap may change, with content, mode and owner."""
    seen: dict[str, tuple[Any, ...]] = {}
    for top in (
        "etc",
        "opt",
        "usr",
        "var/lib/kubelet",
        "var/lib/containerd-replank",
        "run/containerd-replank",
    ):
        for path in sorted(world.path(top).rglob("*")):
            was = path.lstat()
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
            seen[str(path)] = (content, was.st_mode, was.st_uid, was.st_gid)
    return seen
