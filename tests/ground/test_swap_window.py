"""How long a node's pods are away while its runtime changes: replank's way and other tools', in one run."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from other_tools import move, serve_images
from sabotage import Victim
from swap_desk import NO_DRAIN, plan_of, prepared
from told import Told

from proving_ground.images.versions import WORKLOAD_IMAGE
from proving_ground.legacy import create, ssh, tofu
from proving_ground.legacy.layout import LegacyCluster, Traits, WorkerGroup
from proving_ground.progress import Progress
from proving_ground.scenario import swapping
from proving_ground.scenario.fresh import fresh_cluster
from proving_ground.scenario.kube import Kube, unmet
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders
from replank.plan.codec import load
from replank.plan.runtime_swap import PlannedNode, RuntimeSwapPlan

# Compiling Kubernetes 1.23 may be part of it.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(5400)]

TWINS = LegacyCluster(
    name="windows",
    number=63,
    control_planes=1,
    worker_groups=(WorkerGroup(count=2),),
    kubernetes="1.23",
    traits=Traits(workload=False),
    runtime="docker",
)
"""Two workers on Docker: one for replank, one for the other sequence. Without the sample workload, whose pods
would not be the same on both."""

DAEMON_SETS = 6


@pytest.fixture
def image_mib(request: pytest.FixtureRequest) -> int:
    """How much each DaemonSet's own image is larger than the ground's, which has some megabytes."""
    return int(request.param)


@pytest.fixture
def workload(ground: Folders, progress: Progress, image_mib: int) -> Iterator[Kube]:
    made = fresh_cluster(ground, TWINS, progress)
    made.merge("Deployment", "coredns", {"spec": {"replicas": 0}}, "kube-system")
    with progress.step(f"images of {image_mib} MiB more"):
        for machine in tofu.read(ground, TWINS).machines:
            ssh.run(
                ground, create.known_hosts(ground, TWINS), machine.address, larger(image_mib), limit_s=600
            )
    for number in range(DAEMON_SETS):
        made.apply(served(number))
    until("pods", lambda: all_serve(made), limit_s=180)
    yield made
    create.destroy(ground, TWINS, progress)


def image_of(number: int) -> str:
    return f"replank-ground/served-{number}:1"


def larger(mib: int) -> str:
    """The sample workload's image under a name for each DaemonSet, with so much more in it, which does not
    compress: as much is pulled as lies there."""
    each = (
        f"head -c {mib}M /dev/urandom > /var/lib/docker/more; id=$(docker create {WORKLOAD_IMAGE}); "
        f"docker cp /var/lib/docker/more $id:/more; docker commit $id {{name}}; docker rm $id"
    )
    lines = "; ".join(each.format(name=image_of(number)) for number in range(DAEMON_SETS))
    return f"sudo sh -ec '{lines}; rm /var/lib/docker/more'"


@pytest.mark.parametrize("image_mib", [0, 150], indirect=True)
def test_how_long_a_nodes_pods_are_away_with_replank_and_with_the_sequence_of_other_tools(
    ground: Folders, workload: Kube, image_mib: int, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """From the kubelet's stop until every pod of the node is Ready on containerd."""
    desk = prepared(ground, TWINS, progress, tmp_path, *NO_DRAIN)
    machines = tofu.read(ground, TWINS)
    ours, theirs = (Victim(desk, machine) for machine in machines.workers)
    registry = Victim(desk, machines.control_planes[0])
    serve_images(registry, progress)
    plan = load(plan_of(desk).read_bytes(), where="plan")
    assert isinstance(plan, RuntimeSwapPlan)
    desk.run("apply", plan_of(desk), "--yes", "--until", "stage").done(600)
    with progress.step("window: replank"):
        stage = ("--until", f"swap-{ours.name}")
        window = measured(workload, ours, lambda: desk.run("apply", plan_of(desk), "--yes", *stage).done(600))
    assert len(set(swapping.runtimes(workload).values())) == 2, "the other worker is still on Docker"
    phases = {phase["name"]: phase["seconds"] for phase in ours.standing()["phases"]}
    inside = list(phases)[list(phases).index("kubelet-stop") :]
    told(f"proof: seconds of each phase in replank's: {', '.join(f'{n} {phases[n]:.1f}' for n in inside)}")
    with progress.step("window: other tools"):
        other = measured(workload, theirs, lambda: move(theirs, planned(plan, theirs).instructions, registry))
    pods = len(pods_on(workload, ours.name)), len(pods_on(workload, theirs.name))
    until("events of pulls", lambda: not_told_as_pulled(workload, theirs.name), limit_s=90)
    pulls = pulled(workload, theirs.name)
    assert pulled(workload, ours.name) == {}, "replank's images were carried over"
    told(f"proof: {len(pulls)} images pulled by the other sequence: {', '.join(sorted(pulls.values()))}")
    told(
        f"proof: window of a switch from Docker, kubelet's stop to all pods Ready, images {image_mib} MiB "
        f"larger than the workload's: replank {window:.1f} s "
        f"({pods[0]} pods), sequence of other tools {other:.1f} s ({pods[1]} pods): {window / other:.0%}"
    )
    assert pods[0] == pods[1] > DAEMON_SETS
    assert min(window, other) > 0


def served(number: int) -> dict[str, object]:
    """A DaemonSet of a server with a readiness probe: a pod on each worker, none on a control plane."""
    name = f"served-{number}"
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    server = {
        "name": "web",
        "image": image_of(number),
        "args": ["web", "--listen", ":8080"],
        "readinessProbe": probe,
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [server]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }


def all_serve(workload: Kube) -> str:
    """ "" where every DaemonSet has all its pods Ready."""
    for found in workload.list("DaemonSet", "default"):
        status = found.get("status", {})
        ready, wanted = status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
        if not wanted or ready != wanted:
            return f"{found['metadata']['name']}: {ready} of {wanted}"
    return ""


def pulled(workload: Kube, node: str) -> dict[str, str]:
    """Image -> how long its kubelet pulled it, as it told by an event (Kubernetes 1.23,
    pkg/kubelet/images/image_manager.go)."""
    found = {}
    for event in workload.list("Event", "default"):
        told = re.fullmatch(r'Successfully pulled image "(.+)" in (\S+)(?: .*)?', event.get("message", ""))
        if told and event.get("source", {}).get("host") == node:
            found[told[1]] = told[2]
    return found


def not_told_as_pulled(workload: Kube, node: str) -> str:
    """ "" once every DaemonSet's image has been. A kubelet sends five events a second; some come late."""
    missing = {image_of(number) for number in range(DAEMON_SETS)} - pulled(workload, node).keys()
    told = sorted(
        f"{event.get('source', {}).get('host')}: {event.get('message')}"
        for event in workload.list("Event", "default")
        if event.get("reason") in ("Pulling", "Pulled", "Failed")
    )
    return f"not pulled: {sorted(missing)}; told: {told}" if missing else ""


def planned(plan: RuntimeSwapPlan, node: Victim) -> PlannedNode:
    return next(each for each in plan.nodes if each.node == node.name)


def measured(workload: Kube, node: Victim, swap: Callable[[], object]) -> float:
    """Seconds from the kubelet's stop in `swap` until all pods of the node are Ready on containerd."""
    with ThreadPoolExecutor(1) as beside:
        ready = beside.submit(_ready_at, workload, node.name)
        swap()
        end = ready.result()
    stopped = node.run("systemctl show kubelet --property InactiveEnterTimestampMonotonic --value")
    return end - int(stopped) / 1e6


def _ready_at(workload: Kube, node: str, limit_s: float = 600) -> float:
    """When that is so: the machines have the clock of this one."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if all(_runs(pod) for pod in pods_on(workload, node)):
            return time.monotonic()
        time.sleep(0.2)
    raise AssertionError(f"{node}: {[pod['metadata']['name'] for pod in pods_on(workload, node)]}")


def _runs(pod: dict[str, object]) -> bool:
    status = pod["status"]
    assert isinstance(status, dict)
    ids = [found.get("containerID", "") for found in status.get("containerStatuses", ())]
    return bool(ids) and all(i.startswith("containerd://") for i in ids) and not unmet(pod, "Ready")


def pods_on(workload: Kube, node: str) -> list[dict[str, object]]:
    """Those that are to run there."""
    pods = [pod for pod in workload.list("Pod") if pod["spec"].get("nodeName") == node]
    return [pod for pod in pods if pod["status"].get("phase") not in ("Succeeded", "Failed")]
