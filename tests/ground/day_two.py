"""An adopted cluster with replank's operator at work, and what its users notice."""

from __future__ import annotations

import json
import random
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from desk import Desk
from lightkube.core.exceptions import ApiError
from openstack.connection import Connection
from shell import replank

from proving_ground.cloud import connect
from proving_ground.legacy.layout import LegacyCluster
from proving_ground.progress import Progress
from proving_ground.scenario import ingress
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

NEXT = "1.35-next"
"""The machine image that machines are rolled to."""
METRICS = "127.0.0.1:18080"


@contextmanager
def operator(ground: Folders, desk: Desk, *, keep_pools: bool = True) -> Iterator[subprocess.Popen[str]]:
    """`replank operator` on the cluster's namespace, with the ClusterGuard that `replank guard` writes;
    without its pools where they are not to be kept."""
    plane = Kube(ground.plane("one") / "kubeconfig")
    plane.apply(yaml.safe_load(replank("guard", "--crd")))
    manifest = yaml.safe_load(replank("guard", desk.cluster.name, "--fleet", desk.fleet, cwd=desk.folder))
    if not keep_pools:
        manifest["spec"]["pools"] = []
    until("ClusterGuard's kind", lambda: _applied(plane, manifest), limit_s=30)
    process = start_operator(ground, desk)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        plane.delete("ClusterGuard", desk.cluster.name, desk.cluster.name)


def start_operator(ground: Folders, desk: Desk) -> subprocess.Popen[str]:
    """The process alone."""
    log = (desk.folder / "operator.log").open("a")
    name = desk.cluster.name
    arguments = [
        *("--kubeconfig", str(ground.plane("one") / "kubeconfig")),
        *("--namespace", name, "--lease-namespace", name, "--listen", METRICS),
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "replank", "operator", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _applied(plane: Kube, manifest: Mapping[str, Any]) -> str:
    try:
        plane.apply(manifest)
    except ApiError as error:
        return str(error)
    return ""


@contextmanager
def mortal_operator(ground: Folders, desk: Desk, choose: random.Random) -> Iterator[list[float]]:
    """The same, but killed with SIGKILL again and again, and started anew. Yields the lives in seconds."""
    lives: list[float] = []
    over = threading.Event()

    def reap(process: subprocess.Popen[str]) -> None:
        while True:
            life = choose.uniform(3, 40)
            ended = over.wait(life)
            process.kill()
            process.wait()
            if ended:
                return
            lives.append(life)
            process = start_operator(ground, desk)

    with operator(ground, desk) as first:
        thread = threading.Thread(target=reap, args=(first,), name="reaper")
        thread.start()
        try:
            yield lives
        finally:
            over.set()
            thread.join()


@dataclass(slots=True)
class Probing:
    """What a probe saw. Filled when its context ends."""

    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcome: str = ""

    def failed(self) -> dict[str, int]:
        """Target -> failed samples, where there are any."""
        found = {name: int(target["stats"]["failed"]) for name, target in self.targets.items()}
        return {name: count for name, count in found.items() if count}

    def told(self) -> str:
        """In one line, a word on each target."""
        return "; ".join(
            f"{name}: {stats['failed']} of {stats['samples']} failed, "
            f"longest interruption {stats['longest_interruption_s']:.1f} s"
            for name, stats in ((name, target["stats"]) for name, target in self.targets.items())
        )

    def longest_s(self, target: str) -> float:
        """Longest interruption."""
        return float(self.targets[target]["stats"]["longest_interruption_s"])

    def interruptions(self, target: str) -> int:
        """How many there were."""
        return len(self.targets[target]["stats"]["interruptions"])


@contextmanager
def probing(desk: Desk, settle_s: float = 10) -> Iterator[Probing]:
    """Probes while the context lasts, and `settle_s` before and after."""
    found = Probing()
    working = desk.run("probe", desk.cluster.name, "--for", "60m", "--json")
    time.sleep(settle_s)
    assert working.process.poll() is None, working.said()
    try:
        yield found
        time.sleep(settle_s)
    finally:
        working.process.send_signal(signal.SIGINT)
        told = json.loads(working.done(60, accept=(0, 1, 2)))
        found.targets = {target["name"]: target for target in told["targets"]}
        found.outcome = told["outcome"]
        keep = Path(desk.folder / "probe.json")
        keep.write_text(json.dumps(told, indent=1))


def adopt(
    ground: Folders,
    cluster: LegacyCluster,
    way_in: ingress.Ingress | None,
    progress: Progress,
    folder: Path,
    load_balancer: str = "auto",
) -> Desk:
    """Takes the cluster over with replank. `way_in`: is probed."""
    desk = Desk(ground, cluster, folder)
    probes = [{"name": "web", "http": way_in.url}] if way_in else []
    desk.prepare(progress, probes=probes, load_balancer=load_balancer)
    desk.approve()
    with progress.step(f"{cluster.name}: replank apply"):
        working = desk.run("apply", desk.plan_file, "--yes")
        desk.let_terraform_go(working)
        working.done(600)
    return desk


def members_are_the_machines(plane: Kube, cloud: Connection, cluster: LegacyCluster, desk: Desk) -> str:
    """ "" where the pool of the API has exactly the control planes' addresses, all of them alive."""
    machines = plane.list("Machine", cluster.name, {"cluster.x-k8s.io/control-plane": ""})
    wanted = {
        address["address"]
        for machine in machines
        for address in machine["status"]["addresses"]
        if address["type"] == "InternalIP"
    }
    found = ingress.members(cloud, desk.plan.load_balancer.pool_id)
    dead = [address for address, state in found.items() if state != "ONLINE"]
    return "" if set(found) == wanted and not dead else f"wanted {wanted}, found {found}"


def nobody_noticed(seen: Probing, replaced: int) -> None:
    """New connections never failed; a reused one broke at most once for each member that went away."""
    failed = seen.failed()
    reused = failed.pop("api-reused", 0)
    assert failed == {}, seen.targets
    assert seen.interruptions("api-reused") <= replaced, seen.targets["api-reused"]
    if reused:
        assert seen.longest_s("api-reused") <= 1.0, seen.targets["api-reused"]


def unmet_by_verify(desk: Desk) -> str:
    """ "" where `replank verify` says that the cluster is fully Cluster API's; what it says otherwise."""
    told = json.loads(desk.run("verify", desk.cluster.name, "--json").done(120, accept=(0, 2)))
    if told["passed"]:
        return ""
    return "\n".join(json.dumps(f) for f in told["findings"] if f["outcome"] not in ("pass", "note"))


@dataclass(slots=True)
class Offered:
    """`seconds`: for how long members got new connections whose API server was not ready, added up."""

    seconds: float = 0.0


@contextmanager
def offered_unready(ground: Folders, desk: Desk, every_s: float = 0.5) -> Iterator[Offered]:
    """Looks at the API's pool and at each member's own API while the context lasts."""
    found, over = Offered(), threading.Event()
    cloud = connect(ground)
    pool = desk.plan.load_balancer.pool_id

    def watch() -> None:
        before = time.monotonic()
        while not over.wait(every_s):
            members = [m for m in cloud.load_balancer.members(pool) if m.weight]
            unready = [m for m in members if m.operating_status != "ERROR" and not _api_is_ready(m.address)]
            now = time.monotonic()
            found.seconds += (now - before) * len(unready)
            before = now

    thread = threading.Thread(target=watch, name="offered")
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def _api_is_ready(address: str) -> bool:
    """As the API server itself says, asked past the balancer."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(f"https://{address}:6443/readyz", timeout=1, context=trusting) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
