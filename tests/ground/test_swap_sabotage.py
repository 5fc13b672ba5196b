"""A runtime swap under sabotage, on real machines: each node ends swapped or back, never between."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, Working
from shell import replank
from test_runtime_swap import NEW, OLD, plan_of, prepared

from proving_ground.cloud import connect
from proving_ground.engine import docker_engine
from proving_ground.errors import GroundError
from proving_ground.faults.machines import cut_off, reboot
from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.fresh import SWAP, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(2400)]

WORKER = "swap-worker-1"
STATUS = "sudo python3 /var/lib/replank/swap/swap_node.py status"
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
def desk(ground: Folders, workload: Kube, progress: Progress, tmp_path: Path) -> Iterator[Desk]:
    """A plan for the cluster on its old runtime; afterwards it is there again."""
    desk = prepared(ground, SWAP, progress, tmp_path)
    yield desk
    desk.run("undo", "swap", "--yes").done(300)
    until("runtimes", lambda: swapping.not_all_on(workload, OLD), limit_s=120)


def on_worker(ground: Folders, command: str) -> str:
    (worker,) = tofu.read(ground, SWAP).workers
    return ssh.run(ground, create.known_hosts(ground, SWAP), worker.address, command).decode()


def standing(ground: Folders) -> dict[str, Any]:
    """What the part on the worker says of itself."""
    return dict(json.loads(on_worker(ground, STATUS)))


def begun(desk: Desk) -> Working:
    """`replank apply`, at the moment at which it has told the worker to swap."""
    working = desk.run("apply", plan_of(desk), "--yes")
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert working.process.poll() is None, working.said()
        if (desk.folder / ".replank").exists():
            log = replank("log", "swap", "--json", "--fleet", desk.fleet, cwd=desk.folder, accept=(0, 1, 2))
            if any('"found"' in line and f"swap-{WORKER}/" in line for line in log.splitlines()):
                return working
        time.sleep(0.2)
    raise AssertionError(working.said())


def at_rest(ground: Folders) -> str:
    """ "" once the worker has come to its end."""
    try:
        found = standing(ground)
    except GroundError as error:
        return f"{error}"
    resting = found["outcome"] in ("staged", "swapped", "undone") and not found["working"]
    return "" if resting else str(found)


def finish(desk: Desk, workload: Kube) -> None:
    """The same command again goes on where it stood."""
    desk.run("apply", plan_of(desk), "--yes").done(600)
    until("runtimes", lambda: swapping.not_all_on(workload, NEW), limit_s=60)


def test_replank_is_killed_in_the_swap_and_the_node_ends_by_itself(
    ground: Folders, workload: Kube, desk: Desk
) -> None:
    before = swapping.containers(workload)
    working = begun(desk)
    working.process.kill()
    working.process.wait()
    until("the worker", lambda: at_rest(ground), limit_s=120)
    finish(desk, workload)
    assert swapping.containers(workload) == before


def test_the_network_is_cut_in_the_swap_and_the_run_goes_on_when_it_is_back(
    ground: Folders, workload: Kube, desk: Desk
) -> None:
    before = swapping.containers(workload)
    client = docker_engine.connect()
    working = begun(desk)
    with cut_off(client, WORKER):
        time.sleep(25)
    working.done(600)
    until("runtimes", lambda: swapping.not_all_on(workload, NEW), limit_s=60)
    now = swapping.containers(workload)
    assert {name: now[name] for name in before} == before


def test_the_machine_is_powered_off_in_the_swap_and_ends_swapped_or_back(
    ground: Folders, workload: Kube, desk: Desk
) -> None:
    working = begun(desk)
    working.process.kill()
    working.process.wait()
    reboot(docker_engine.connect(), connect(ground), WORKER, hard=True)
    until("the worker", lambda: at_rest(ground), limit_s=180)
    until("Nodes", lambda: swapping.all_ready(workload), limit_s=120)
    finish(desk, workload)


def test_a_new_containerd_that_does_not_start_is_given_up_by_the_node_and_no_pod_notices(
    ground: Folders, workload: Kube, desk: Desk
) -> None:
    before = swapping.containers(workload)
    place = "/etc/systemd/system/containerd.service.d/10-sabotage.conf"
    reload = "sudo systemctl daemon-reload"
    on_worker(ground, f"sudo install -D /dev/stdin {place} <<'E'\n{REFUSES_THE_NEW}E\n{reload}")
    try:
        said = desk.run("apply", plan_of(desk), "--yes")
        said.done(600, accept=(1, 2))
        assert "RP49" in said.said(), said.said()
        assert standing(ground)["outcome"] == "undone"
        assert set(swapping.runtimes(workload).values()) == {OLD}
        assert swapping.containers(workload) == before
    finally:
        on_worker(ground, f"sudo rm {place} && {reload}")
    finish(desk, workload)
    assert swapping.containers(workload) == before
