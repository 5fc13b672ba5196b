"""There and back: a runtime swapped and undone by replank's commands, with what must hold after each."""

from __future__ import annotations

from typing import Any

from desk import Desk
from swap_desk import NEW, OLD, plan_of
from told import Told

from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until


def in_place_probed(desk: Desk, workload: Kube, progress: Progress, told: Told) -> Any:
    """Applied while everything is asked ten times a second: nothing fails, no container is restarted. Returns
    the report."""
    before = swapping.containers(workload)
    with progress.step("swap: to 2.3.5, probed"):
        desk.run("apply", plan_of(desk), "--yes", "--probe").done(600)
    assert set(swapping.runtimes(workload).values()) == {NEW}
    assert swapping.containers(workload) == before
    report = desk.report()
    assert report["headline"]["ending"] == "swapped", report["headline"]
    failed = {t["name"]: t["stats"]["failed"] for t in report["probe"]["targets"]}
    told(f"proof: containerd 1.7.29 to 2.3.5 under a control plane and a worker: failed samples {failed}")
    assert set(failed.values()) == {0}
    return report


def in_place_undone(desk: Desk, workload: Kube, progress: Progress) -> None:
    """And no container is restarted."""
    before = swapping.containers(workload)
    with progress.step("swap: undone"):
        desk.run("undo", desk.cluster.name, "--yes").done(300)
    # An undo has no checks after it; a kubelet tells of its runtime every ten seconds.
    until("runtimes", lambda: swapping.not_all_on(workload, OLD), limit_s=60)
    assert swapping.containers(workload) == before


def each_line_once(desk: Desk) -> None:
    """What the log writer has written, as the worker's disk keeps it, whatever file it is in."""
    (worker,) = tofu.read(desk.ground, desk.cluster).workers
    command = "sudo sh -c 'cat /var/log/pods/shop_log-writer-*/log-writer/*.log'"
    hosts = create.known_hosts(desk.ground, desk.cluster)
    text = ssh.run(desk.ground, hosts, worker.address, command).decode()
    numbers = [int(line.split(" ", 4)[3]) for line in text.splitlines()]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1)), "each line of the log once"


def docker_switched(desk: Desk, workload: Kube, progress: Progress) -> None:
    """To containerd; pods serve, and CNI's store has their addresses and no others."""
    with progress.step("docker: apply"):
        desk.run("apply", plan_of(desk), "--yes").done(900)
    _well_on(desk, workload, NEW)


def docker_undone(desk: Desk, workload: Kube, progress: Progress, docker: str) -> None:
    """Back to `docker`, as a Node names it; the same holds."""
    with progress.step("docker: undo"):
        desk.run("undo", desk.cluster.name, "--yes").done(900)
    _well_on(desk, workload, docker)


def _well_on(desk: Desk, workload: Kube, runtime: str) -> None:
    until(runtime, lambda: swapping.not_all_on(workload, runtime), limit_s=120)
    until("pods", lambda: settled.workload_serves(workload), limit_s=180)
    until("addresses", lambda: swapping.strange_addresses(desk.ground, desk.cluster, workload), limit_s=60)
