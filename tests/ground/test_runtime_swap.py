"""containerd is swapped under live pods by replank's own commands, on real machines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from shell import replank
from swap_desk import NEW, OLD, on_every_machine, plan_of, prepared, windows
from told import Told

from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import DOCKER, SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(3600)]


def log_numbers(ground: Folders) -> list[int]:
    """What the log writer has written, as the worker's disk keeps it, whatever file it is in."""
    (worker,) = tofu.read(ground, SWAP).workers
    command = "sudo sh -c 'cat /var/log/pods/shop_log-writer-*/log-writer/*.log'"
    text = ssh.run(ground, create.known_hosts(ground, SWAP), worker.address, command).decode()
    return [int(line.split(" ", 4)[3]) for line in text.splitlines()]


def test_containerd_is_swapped_in_place_and_back_and_again_and_no_pod_notices(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    desk = prepared(ground, SWAP, progress, tmp_path, "--measure-logs", image_with_a_shell(swap_workload))
    plan = plan_of(desk)
    before = swapping.containers(swap_workload)
    with progress.step("swap: to 2.3.5, probed"):
        desk.run("apply", plan, "--yes", "--probe").done(600)
    assert set(swapping.runtimes(swap_workload).values()) == {NEW}
    assert swapping.containers(swap_workload) == before
    report = desk.report()
    assert report["headline"]["ending"] == "swapped", report["headline"]
    failed = {t["name"]: t["stats"]["failed"] for t in report["probe"]["targets"]}
    told(f"proof: containerd 1.7.29 to 2.3.5 under a control plane and a worker: failed samples {failed}")
    assert set(failed.values()) == {0}
    tell_figures(report, "containerd 1.7.29 to 2.3.5", told)
    with progress.step("swap: undone"):
        desk.run("undo", "swap", "--yes").done(300)
    # An undo has no checks after it; a kubelet tells of its runtime every ten seconds.
    until("runtimes", lambda: swapping.not_all_on(swap_workload, OLD), limit_s=60)
    assert swapping.containers(swap_workload) == before
    with progress.step("swap: again, and committed"):
        desk.run("apply", plan, "--yes").done(600)
        replank("approve", plan, "--yes", "--fleet", desk.fleet)
        desk.run("apply", plan, "--until", "commit", "--yes").done(300)
    # A kubelet that asked while containerd restarted tells "Unknown" until it asks again.
    until("runtimes", lambda: swapping.not_all_on(swap_workload, NEW), limit_s=60)
    assert swapping.containers(swap_workload) == before
    numbers = log_numbers(ground)
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1)), "each line of the log once"


def test_docker_is_switched_to_containerd_and_back_and_no_address_is_left_behind(
    ground: Folders, docker_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """Pods restart where they are: with one worker there is nowhere to drain to. `--root`: the machines' own
    root is an overlay, which takes no other."""
    how = ("--no-drain", "--root", "/var/lib/containerd/replank")
    image = image_with_a_shell(docker_workload)
    desk = prepared(ground, DOCKER, progress, tmp_path, *how, "--measure-logs", image)
    plan = plan_of(desk)
    docker = next(iter(swapping.runtimes(docker_workload).values()))
    for word, runtime in (("apply", NEW), ("undo", docker), ("apply", NEW)):
        with progress.step(f"docker: {word}"):
            desk.run(word, plan if word == "apply" else "docker", "--yes").done(900)
        if word == "apply":
            tell_figures(desk.report(), f"{docker} to containerd 2.3.5".replace("://", " "), told)
        until(runtime, lambda runtime=runtime: swapping.not_all_on(docker_workload, runtime), limit_s=120)
        until("pods", lambda: settled.workload_serves(docker_workload), limit_s=180)
        until("addresses", lambda: swapping.strange_addresses(ground, DOCKER, docker_workload), limit_s=60)
    told(f"proof: Docker to containerd 2.3.5 and back and again: windows {windows(desk)} s")
    with progress.step("docker: committed"):
        replank("approve", plan, "--yes", "--fleet", desk.fleet)
        desk.run("apply", plan, "--until", "commit", "--yes").done(300)
    until("pods", lambda: settled.workload_serves(docker_workload), limit_s=60)
    for machine, said in on_every_machine(ground, DOCKER, LEFT_OF_DOCKER).items():
        assert said.split() == ["no-package"], f"{machine}: {said}"


LEFT_OF_DOCKER = (
    "sudo find /var/lib/docker -mindepth 1 ! -name nuke-graph-directory.sh | head -20; "
    "dpkg-query -W -f '${Status}' docker.io 2>/dev/null | grep -q '^install ok' || echo no-package"
)
"""What lies below its root, but for a script that Debian's docker.io puts there when it is removed; and
whether its package is there."""


def image_with_a_shell(workload: Kube) -> str:
    """kube-proxy's, which has one for its iptables."""
    (image,) = {
        pod["spec"]["containers"][0]["image"]
        for pod in workload.list("Pod")
        if pod["metadata"].get("labels", {}).get("k8s-app") == "kube-proxy"
    }
    return str(image)


def tell_figures(report: Any, what: str, told: Told) -> None:
    """What was measured of each node before its swap and after it: all of it, and nothing is left."""
    assert len(report["performance"]) == 2
    for node in report["performance"]:
        assert (node["not_measured"], node["left"]) == ([], []), node
        figures = [f"{f['what']} {f['before']:g} -> {f['after']:g} {f['unit']}" for f in node["figures"]]
        assert len(figures) == 4
        told(f"proof: {what} on {node['node']}: {', '.join(figures)}")
