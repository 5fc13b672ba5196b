"""A runtime is swapped under live pods by replank's own commands, on real machines: there, back, there again
and committed, with each node's figures before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from shell import replank
from swap_desk import NEW, NO_DRAIN, on_every_machine, plan_of, prepared, windows
from swap_rounds import docker_switched, docker_undone, each_line_once, in_place_probed, in_place_undone
from told import Told

from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import DOCKER, SWAP
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]

LEFT_OF_DOCKER = (
    "sudo find /var/lib/docker -mindepth 1 ! -name nuke-graph-directory.sh | head -20; "
    "dpkg-query -W -f '${Status}' docker.io 2>/dev/null | grep -q '^install ok' || echo no-package"
)
"""What lies below its root, but for a script that Debian's docker.io puts there when it is removed; and
whether its package is there."""


def test_containerd_is_swapped_in_place_and_back_and_again_and_committed(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    desk = prepared(ground, SWAP, progress, tmp_path, "--measure-logs", image_with_a_shell(swap_workload))
    before = swapping.containers(swap_workload)
    report = in_place_probed(desk, swap_workload, progress, told)
    tell_figures(report, "containerd 1.7.29 to 2.3.5", told)
    in_place_undone(desk, swap_workload, progress)
    with progress.step("swap: again, and committed"):
        desk.run("apply", plan_of(desk), "--yes").done(600)
        commit(desk)
    # A kubelet that asked while containerd restarted tells "Unknown" until it asks again.
    until("runtimes", lambda: swapping.not_all_on(swap_workload, NEW), limit_s=60)
    assert swapping.containers(swap_workload) == before
    each_line_once(desk)


def test_docker_is_switched_to_containerd_and_back_and_again_and_committed_and_nothing_of_it_is_left(
    ground: Folders, docker_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    image = image_with_a_shell(docker_workload)
    desk = prepared(ground, DOCKER, progress, tmp_path, *NO_DRAIN, "--measure-logs", image)
    (docker,) = set(swapping.runtimes(docker_workload).values())
    what = f"{docker} to containerd 2.3.5".replace("://", " ")
    docker_switched(desk, docker_workload, progress)
    tell_figures(desk.report(), what, told)
    docker_undone(desk, docker_workload, progress, docker)
    docker_switched(desk, docker_workload, progress)
    tell_figures(desk.report(), what, told)
    told(f"proof: Docker to containerd 2.3.5 and back and again: windows {windows(desk)} s")
    with progress.step("docker: committed"):
        commit(desk)
    until("pods", lambda: settled.workload_serves(docker_workload), limit_s=60)
    for machine, said in on_every_machine(ground, DOCKER, LEFT_OF_DOCKER).items():
        assert said.split() == ["no-package"], f"{machine}: {said}"


def commit(desk: Desk) -> None:
    """Approved, and carried out."""
    replank("approve", plan_of(desk), "--yes", "--fleet", desk.fleet)
    desk.run("apply", plan_of(desk), "--until", "commit", "--yes").done(300)


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
