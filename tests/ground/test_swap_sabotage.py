"""A runtime swap in place under sabotage: each node ends swapped or back, never between."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from sabotage import Victim, worker_of
from swap_desk import NEW, OLD, plan_of, prepared

from proving_ground.cloud import connect
from proving_ground.engine import docker_engine
from proving_ground.faults.machines import cut_off, reboot
from proving_ground.legacy import create
from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.fresh import SWAP, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(2400)]

REFUSES_THE_NEW = (
    "[Service]\n"
    "ExecStartPre=/bin/sh -c 'test ! -e /etc/systemd/system/containerd.service.d/90-replank.conf'\n"
)
"""A drop-in with which containerd does not start while replank's is there."""


@pytest.fixture(scope="module")
def workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    yield fresh_cluster(ground, SWAP, progress)
    create.destroy(ground, SWAP, progress)


@pytest.fixture
def worker(desk: Desk) -> Victim:
    return worker_of(desk)


@pytest.fixture
def desk(ground: Folders, workload: Kube, progress: Progress, tmp_path: Path) -> Iterator[Desk]:
    """A plan for the cluster on its old runtime; afterwards it is there again."""
    desk = prepared(ground, SWAP, progress, tmp_path)
    yield desk
    desk.run("undo", "swap", "--yes").done(300)
    until("runtimes", lambda: swapping.not_all_on(workload, OLD), limit_s=120)


def finish(desk: Desk, workload: Kube) -> None:
    """The same command again goes on where it stood."""
    desk.run("apply", plan_of(desk), "--yes").done(600)
    until("runtimes", lambda: swapping.not_all_on(workload, NEW), limit_s=60)


def test_replank_is_killed_in_the_swap_and_the_node_ends_by_itself(
    workload: Kube, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    working = worker.swap_begun()
    working.process.kill()
    working.process.wait()
    until("the worker", lambda: worker.unrest(), limit_s=120)
    finish(desk, workload)
    assert swapping.containers(workload) == before


def test_the_network_is_cut_in_the_swap_and_the_run_goes_on_when_it_is_back(
    workload: Kube, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    client = docker_engine.connect()
    working = worker.swap_begun()
    with cut_off(client, worker.name):
        time.sleep(25)
    working.done(600)
    until("runtimes", lambda: swapping.not_all_on(workload, NEW), limit_s=60)
    now = swapping.containers(workload)
    assert {name: now[name] for name in before} == before


def test_the_machine_is_powered_off_in_the_swap_and_ends_swapped_or_back(
    ground: Folders, workload: Kube, desk: Desk, worker: Victim
) -> None:
    working = worker.swap_begun()
    working.process.kill()
    working.process.wait()
    reboot(docker_engine.connect(), connect(ground), worker.name, hard=True)
    until("the worker", lambda: worker.unrest(), limit_s=180)
    until("Nodes", lambda: swapping.all_ready(workload), limit_s=120)
    finish(desk, workload)


def test_a_new_containerd_that_does_not_start_is_given_up_by_the_node_and_no_pod_notices(
    workload: Kube, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    place = "/etc/systemd/system/containerd.service.d/10-sabotage.conf"
    reload = "sudo systemctl daemon-reload"
    worker.run(f"sudo install -D /dev/stdin {place} <<'E'\n{REFUSES_THE_NEW}E\n{reload}")
    try:
        said = desk.run("apply", plan_of(desk), "--yes")
        said.done(600, accept=(1, 2))
        assert "RP49" in said.said(), said.said()
        assert worker.standing()["outcome"] == "undone"
        # A kubelet that asked while no containerd answered tells "Unknown" until it asks again.
        until("runtimes", lambda: swapping.not_all_on(workload, OLD), limit_s=60)
        assert swapping.containers(workload) == before
    finally:
        worker.run(f"sudo rm {place} && {reload}")
    finish(desk, workload)
    assert swapping.containers(workload) == before
