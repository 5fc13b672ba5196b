"""A switch from Docker under sabotage, on real machines: each node ends swapped or back, never between.

Pods restart where they are (`--no-drain`), but in the test of a budget: with one worker there is nowhere to
drain to. `--root`: the machines' own root is an overlay, which takes no other.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from desk import Desk
from sabotage import PART, Victim, worker_of
from swap_desk import NEW, NO_DRAIN, ROOT, plan_of, prepared

from proving_ground.cloud import connect
from proving_ground.engine import docker_engine
from proving_ground.faults.machines import cut_off, reboot
from proving_ground.legacy import create
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import DOCKER, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

# Compiling Kubernetes 1.23 may be part of it.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(5400)]

WRECKED = replace(DOCKER, name="wrecked", number=64)
KUBELET_REFUSES = (
    "[Service]\nExecStartPre=/bin/sh -c '! grep -q replank /var/lib/kubelet/kubeadm-flags.env'\n"
)
"""A drop-in with which the kubelet does not come up on the new runtime's endpoint."""

BUDGET = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": "never", "namespace": "shop"},
    "spec": {"maxUnavailable": 0, "selector": {}},
}
"""Lets no pod of the namespace go."""


@pytest.fixture(scope="module")
def workload(ground: Folders, progress: Progress) -> Iterator[Kube]:
    """One control plane and one worker of Kubernetes 1.23 on Docker."""
    yield fresh_cluster(ground, WRECKED, progress)
    create.destroy(ground, WRECKED, progress)


@pytest.fixture(scope="module")
def docker(workload: Kube) -> str:
    """What the Nodes tell of the old runtime."""
    (runtime,) = set(swapping.runtimes(workload).values())
    return runtime


@pytest.fixture
def how(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of `plan runtime`, a test's own where it is parametrized indirectly."""
    return getattr(request, "param", NO_DRAIN)


@pytest.fixture
def desk(
    ground: Folders, workload: Kube, docker: str, how: tuple[str, ...], progress: Progress, tmp_path: Path
) -> Iterator[Desk]:
    """A plan for the cluster on Docker; afterwards everything is there again, on Docker."""
    desk = prepared(ground, WRECKED, progress, tmp_path, *how)
    yield desk
    if (desk.folder / ".replank").exists() and desk.status():
        desk.run("undo", WRECKED.name, "--yes").done(600)
    serves(ground, workload, docker)
    assert cordoned(workload) == []


@pytest.fixture
def worker(desk: Desk) -> Victim:
    return worker_of(desk)


def serves(ground: Folders, workload: Kube, runtime: str) -> None:
    """Waits until all Nodes are on this runtime, the workload serves, and addresses are those of its pods."""
    until(runtime, lambda: swapping.not_all_on(workload, runtime), limit_s=180)
    until("pods", lambda: settled.workload_serves(workload), limit_s=180)
    until("addresses", lambda: swapping.strange_addresses(ground, WRECKED, workload), limit_s=60)


def cordoned(workload: Kube) -> list[str]:
    """Nodes that take no new pods."""
    return [n["metadata"]["name"] for n in workload.list("Node") if n["spec"].get("unschedulable")]


def refused(desk: Desk, code: str, *words: str) -> str:
    """`replank apply` ends with this code, and says these words. All that it said."""
    working = desk.run("apply", plan_of(desk), "--yes")
    working.done(600, accept=(1, 2))
    said = " ".join(working.said().split())
    assert code in said, said
    for word in words:
        assert word in said, said
    return said


@contextmanager
def drop_in(worker: Victim, unit: str, text: str) -> Iterator[None]:
    place = f"/etc/systemd/system/{unit}.d/99-sabotage.conf"
    worker.run(f"sudo install -D /dev/stdin {place} <<'E'\n{text}E\nsudo systemctl daemon-reload")
    try:
        yield
    finally:
        worker.run(f"sudo rm {place} && sudo systemctl daemon-reload")


@contextmanager
def moved_away(worker: Victim, path: str) -> Iterator[None]:
    worker.run(f"sudo mv {path} {path}.away")
    try:
        yield
    finally:
        worker.run(f"sudo mv {path}.away {path}")


def staged_nothing(worker: Victim, workload: Kube, docker: str, before: object) -> None:
    """The node has taken its staging back."""
    assert worker.standing()["outcome"] == "undone"
    untouched(workload, docker, before)


def untouched(workload: Kube, docker: str, before: object) -> None:
    """Nothing that served has noticed."""
    assert set(swapping.runtimes(workload).values()) == {docker}
    assert swapping.containers(workload) == before


def test_a_program_that_is_missing_takes_staging_back_while_docker_serves(
    workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    with ExitStack() as away:
        # In each folder of PATH, some of which are links to others.
        for runc in worker.run("sudo sh -c 'which -a runc | xargs readlink -f | sort -u'").split():
            away.enter_context(moved_away(worker, runc))
        refused(desk, "RP491", "runc")
    staged_nothing(worker, workload, docker, before)


def test_a_new_containerd_that_does_not_start_takes_staging_back(
    workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    with drop_in(worker, "containerd-replank.service", "[Service]\nExecStartPre=/bin/false\n"):
        refused(desk, "RP491", "containerd-replank.service")
    staged_nothing(worker, workload, docker, before)


def test_a_wrong_cgroup_driver_is_refused_before_anything_is_touched(
    workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    before = swapping.containers(workload)
    file = "/var/lib/kubelet/config.yaml"
    worker.run(f"sudo sed -i 's/^cgroupDriver: .*/cgroupDriver: systemd/' {file}")
    try:
        assert "cgroupDriver: systemd" in worker.run(f"sudo cat {file}")
        refused(desk, "RP853", "RP449", "cgroup driver")
    finally:
        worker.run(f"sudo sed -i 's/^cgroupDriver: .*/cgroupDriver: cgroupfs/' {file}")
    untouched(workload, docker, before)


def test_an_image_that_cannot_be_exported_takes_staging_back_and_is_named(
    workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    """What Docker keeps to write a layer out again is gone, as after a crash at a bad moment."""
    before = swapping.containers(workload)
    layers = "/var/lib/docker/image/overlay2/layerdb/sha256"
    layer = worker.run(f"sudo find {layers} -name tar-split.json.gz").split()[0]
    with moved_away(worker, layer):
        refused(desk, "RP491", "cannot be exported from Docker")
    staged_nothing(worker, workload, docker, before)


@pytest.mark.parametrize("how", [("--no-drain", "--root", "/var/lib/small/store")], indirect=True)
def test_a_disk_that_fills_up_while_images_are_copied_takes_staging_back(
    workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    """A file system with room for everything, which has no byte left once the first image's bytes arrive."""
    before = swapping.containers(workload)
    blobs = "/var/lib/small/store/io.containerd.content.v1.content/blobs"
    fill = (
        f"while ! find {blobs} -type f 2>/dev/null | grep -q .; do sleep 0.02; done; "
        "mount -o remount,size=$(( $(df --output=used -k /var/lib/small | tail -1) + 64 ))k /var/lib/small"
    )
    worker.run("sudo mkdir /var/lib/small && sudo mount -t tmpfs -o size=6g sabotage /var/lib/small")
    try:
        worker.run(f"sudo systemd-run --collect --unit sabotage sh -c '{fill}'")
        # Either ctr's write fails, or replank sees before the next image that there is no room.
        said = refused(desk, "RP491", "image")
        assert "no space left on device" in said or "bytes free" in said, said
        assert worker.standing()["outcome"] == "undone"
    finally:
        worker.run("sudo sh -c 'systemctl stop sabotage; umount /var/lib/small && rmdir /var/lib/small'")
    untouched(workload, docker, before)


def test_a_kubelet_that_does_not_come_up_leads_the_node_back(
    ground: Folders, workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    with drop_in(worker, "kubelet.service", KUBELET_REFUSES):
        refused(desk, "RP495", "kubelet")
        assert worker.standing()["outcome"] == "undone"
        serves(ground, workload, docker)


@pytest.mark.parametrize("how", [ROOT], indirect=True)
def test_a_budget_that_never_allows_holds_the_run_and_undo_opens_the_node(
    ground: Folders, workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    """It came after the run had begun: the audit refuses one that is there before (RP410)."""
    desk.run("apply", plan_of(desk), "--yes", "--until", "stage").done(600)
    workload.apply(BUDGET)
    working = desk.run("apply", plan_of(desk), "--yes")
    try:
        desk.until_held(working, "drain", limit_s=180)
        assert cordoned(workload) == [worker.name]
        assert "shop/never" in working.said()
    finally:
        working.process.send_signal(signal.SIGINT)
        working.done(120, accept=(1, 2, 130))
        workload.delete("PodDisruptionBudget", "never", "shop")
    assert set(swapping.runtimes(workload).values()) == {docker}
    desk.run("undo", WRECKED.name, "--yes").done(300)
    assert cordoned(workload) == []
    serves(ground, workload, docker)


def test_replank_is_gone_for_good_and_the_owner_takes_the_node_back_by_hand(
    ground: Folders, workload: Kube, docker: str, desk: Desk, worker: Victim
) -> None:
    working = worker.switch_begun()
    working.process.kill()
    working.process.wait()
    until("the worker", worker.unrest, limit_s=300)
    assert worker.standing()["outcome"] == "swapped"
    until("pods", lambda: settled.workload_serves(workload), limit_s=180)
    assert swapping.runtimes(workload)[worker.name] == NEW
    worker.run(f"{PART} undo")
    until("the worker", worker.unrest, limit_s=300)
    assert worker.standing()["outcome"] == "undone"
    serves(ground, workload, docker)


def test_the_network_is_cut_in_the_switch_and_the_run_goes_on_when_it_is_back(
    ground: Folders, workload: Kube, desk: Desk, worker: Victim
) -> None:
    client = docker_engine.connect()
    working = worker.switch_begun()
    with cut_off(client, worker.name):
        time.sleep(25)
    working.done(900)
    serves(ground, workload, NEW)


def test_the_machine_is_powered_off_in_the_switch_and_the_same_command_goes_on(
    ground: Folders, workload: Kube, desk: Desk, worker: Victim
) -> None:
    working = worker.switch_begun()
    working.process.kill()
    working.process.wait()
    reboot(docker_engine.connect(), connect(ground), worker.name, hard=True)
    until("the worker", worker.unrest, limit_s=300)
    until("Nodes", lambda: swapping.all_ready(workload), limit_s=180)
    desk.run("apply", plan_of(desk), "--yes").done(900)
    serves(ground, workload, NEW)
