"""A swap in place where drop-ins mean one thing to the old containerd and another to the new one.

1.7 lets a drop-in of version 2 replace the CRI plugin's whole table; over a root of version 3 it makes the
daemon start, which then ignores the root's plugins. 2.x merges key by key, and reads every version: with the
same files other settings would come into force.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from sabotage import Victim
from swap_desk import NEW, OLD, plan_of, prepared
from told import Told

from proving_ground.legacy import tofu
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.plan.codec import load
from replank.plan.runtime_swap import RuntimeSwapPlan

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(2400)]

OLD_CRI, RUNTIME, IMAGES = (
    f"io.containerd.{name}" for name in ("grpc.v1.cri", "cri.v1.runtime", "cri.v1.images")
)
LINE, DOWNLOADS = 8192, 3
"""What the drop-in asks for; and containerd's default, where 1.7 ends when the root's table goes."""

DROP_IN = f"""\
version = 2
[plugins."{OLD_CRI}"]
  sandbox_image = "@SANDBOX@"
  restrict_oom_score_adj = true
  max_container_log_line_size = {LINE}
  [plugins."{OLD_CRI}".cni]
    bin_dir = "/opt/cni/bin"
  [plugins."{OLD_CRI}".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."{OLD_CRI}".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""
IMPORTS = 'imports = ["/etc/containerd/conf.d/*.toml"]\n'
ROOTS = {
    "worker": f'version = 2\n{IMPORTS}[plugins."{OLD_CRI}"]\n  max_concurrent_downloads = 7\n',
    "master": f'version = 3\n{IMPORTS}[plugins."{IMAGES}"]\n  max_concurrent_downloads = 9\n',
}


def configure(machine: Victim) -> None:
    """Root and drop-in as a vendor's tool and somebody's migration may leave them, and the daemon on them."""
    (root,) = [text for role, text in ROOTS.items() if role in machine.name]
    sandbox = machine.run(r"sudo sed -n 's/.*sandbox_image = \"\(.*\)\"/\1/p' /etc/containerd/config.toml")
    for path, text in (
        ("/etc/containerd/conf.d/50-vendor.toml", DROP_IN.replace("@SANDBOX@", sandbox.strip())),
        ("/etc/containerd/config.toml", root),
    ):
        machine.run(f"sudo install -D -m 644 /dev/stdin {path} <<'E'\n{text}E")
    machine.run("sudo systemctl restart containerd")


def dumped(machine: Victim, command: str) -> dict[str, Any]:
    """What the daemon says is in force, by plugin."""
    return dict(tomllib.loads(machine.run(f"sudo {command} config dump"))["plugins"])


def test_what_was_in_force_stays_in_force_though_the_files_would_mean_something_else(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    asking = Desk(ground, SWAP, tmp_path)
    machines = {m.name: Victim(asking, m) for m in tofu.read(ground, SWAP).machines}
    for machine in machines.values():
        configure(machine)
        (cri,) = [table for name, table in dumped(machine, "containerd").items() if name == OLD_CRI]
        assert (cri["max_container_log_line_size"], cri["max_concurrent_downloads"]) == (LINE, DOWNLOADS)
    until("Nodes", lambda: swapping.all_ready(swap_workload), limit_s=120)
    before = swapping.containers(swap_workload)

    desk = prepared(ground, SWAP, progress, tmp_path)
    plan = load(plan_of(desk).read_bytes(), where="plan")
    assert isinstance(plan, RuntimeSwapPlan)
    with progress.step("swap: with drop-ins"):
        desk.run("apply", plan_of(desk), "--yes").done(600)
    assert set(swapping.runtimes(swap_workload).values()) == {NEW}
    assert swapping.containers(swap_workload) == before
    for node in plan.nodes:
        machine, containerd = machines[node.node], node.instructions["containerd"]
        assert isinstance(containerd, dict)
        ours = dumped(machine, f"{containerd['daemon']} --config {containerd['config']}")
        assert ours[RUNTIME]["max_container_log_line_size"] == LINE
        assert ours[IMAGES]["max_concurrent_downloads"] == DOWNLOADS
        theirs = dumped(machine, f"{containerd['daemon']} --config /etc/containerd/config.toml")
        assert theirs[IMAGES]["max_concurrent_downloads"] in (7, 9), "the files alone mean something else"
    told("proof: drop-ins over roots of version 2 and 3: what was in force on 1.7.29 is in force on 2.3.5")
    with progress.step("swap: a new pod"):
        restart_writer(swap_workload)
    with progress.step("swap: undone"):
        desk.run("undo", SWAP.name, "--yes").done(300)
    until("runtimes", lambda: swapping.not_all_on(swap_workload, OLD), limit_s=60)
    until("pods", lambda: settled.workload_serves(swap_workload), limit_s=60)


def restart_writer(workload: Kube) -> None:
    """Its pod is made anew, and serves: sandbox image, CNI and shim are those that are needed."""
    (old,) = [p for p in workload.list("Pod", "shop") if p["metadata"]["labels"].get("app") == "log-writer"]
    workload.delete("Pod", old["metadata"]["name"], "shop")
    until("a new pod", lambda: settled.workload_serves(workload), limit_s=120)
