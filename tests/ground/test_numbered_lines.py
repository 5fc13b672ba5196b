"""Numbered log lines through a real log agent, while the runtime is swapped below writer and agent.

At 200 lines a second each number arrives once. 5,000 a second are told, not judged: any restart of containerd
can lose some of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from shell import replank, replank_ended
from swap_desk import NEW, NO_DRAIN, OLD, findings, plan_of, prepared, windows
from told import Told

from proving_ground.legacy import create, ssh, tofu
from proving_ground.progress import Progress
from proving_ground.scenario import settled, swapping
from proving_ground.scenario.fresh import DOCKER, SWAP, fresh_cluster
from proving_ground.scenario.kube import Kube
from proving_ground.scenario.line_count import Count
from proving_ground.scenario.log_lines import BOTH_FORMATS, DOCKER_ONLY, LogLines
from proving_ground.scenario.operator import probes_of, write_fleet_file
from proving_ground.scenario.waiting import until
from proving_ground.settings import Folders

pytestmark = [pytest.mark.ground, pytest.mark.timeout(3600)]

STEADY = {"steady": 200}
AGENT = "DaemonSet logging/log-agent"
PART = "/var/lib/replank/swap/swap_node.py"
MANY = 3000
"""Lines in a new container before anything is judged."""


def of(writer: str, counts: list[Count]) -> list[Count]:
    found = [count for count in counts if count.writer == writer]
    assert found
    return found


def figures(counts: list[Count]) -> str:
    written, missing = sum(c.written for c in counts), sum(c.missing for c in counts)
    return f"{written:,} written, {missing} missing, {sum(c.twice for c in counts)} twice"


def assert_each_once(counts: list[Count]) -> None:
    amiss = [count for count in counts if count.missing or count.twice or count.torn]
    assert not amiss, amiss


def until_well(lines: LogLines, runtime: str) -> None:
    """Waits for this runtime on every node, and all pods."""
    until(runtime, lambda: swapping.not_all_on(lines.workload, runtime), limit_s=120)
    until("pods", lambda: settled.workload_serves(lines.workload), limit_s=180)
    until("agent and writer", lines.not_up, limit_s=120)


def on_worker(ground: Folders, command: str) -> str:
    (worker,) = tofu.read(ground, DOCKER).workers
    hosts = create.known_hosts(ground, DOCKER)
    return ssh.run(ground, hosts, worker.address, command, limit_s=300).decode()


@pytest.fixture
def docker_lines(ground: Folders, progress: Progress) -> Iterator[LogLines]:
    """In a cluster of one control plane and one worker of Kubernetes 1.23 on Docker."""
    lines = LogLines(ground, DOCKER, fresh_cluster(ground, DOCKER, progress))
    lines.bring(progress)
    yield lines
    create.destroy(ground, DOCKER, progress)


@pytest.mark.long
def test_each_line_arrives_once_over_a_swap_of_containerd_in_place_and_its_undo(
    ground: Folders, swap_workload: Kube, progress: Progress, tmp_path: Path, told: Told
) -> None:
    lines = LogLines(ground, SWAP, swap_workload)
    lines.bring(progress)
    lines.deploy(BOTH_FORMATS, {**STEADY, "heavy": 5000})
    desk = prepared(ground, SWAP, progress, tmp_path)
    before = swapping.containers(swap_workload)
    with progress.step("swap: to 2.3.5"):
        desk.run("apply", plan_of(desk), "--yes").done(600)
    there = lines.counted()
    with progress.step("swap: undone"):
        desk.run("undo", "swap", "--yes").done(300)
    until("runtimes", lambda: swapping.not_all_on(swap_workload, OLD), limit_s=60)
    back = lines.counted()
    assert swapping.containers(swap_workload) == before
    told(
        "proof: numbered lines over containerd 1.7.29 to 2.3.5 in place, and back, through a collector: "
        f"at 200 a second {figures(of('steady', back))}; at 5,000 a second {figures(of('heavy', there))} "
        f"after the swap, {figures(of('heavy', back))} after its undo"
    )
    assert_each_once(of("steady", back))
    assert len(of("steady", back)) == 1


@pytest.mark.long
def test_each_line_arrives_once_over_the_switch_from_docker_and_back_or_is_put_aside_where_no_agent_is(
    ground: Folders, docker_lines: LogLines, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """In an undo dockershim puts a link in the place of containerd's log: what no agent has read by then
    stands only in what was put aside. The second undo has the agent away all the while."""
    docker_lines.deploy(BOTH_FORMATS, STEADY)
    docker = next(iter(swapping.runtimes(docker_lines.workload).values()))
    desk = prepared(ground, DOCKER, progress, tmp_path, *NO_DRAIN)
    before = docker_lines.starts()
    with progress.step("docker: apply"):
        desk.run("apply", plan_of(desk), "--yes").done(900)
    there = counted_anew(docker_lines, NEW, before)
    told(f"proof: numbered lines over Docker to containerd 2.3.5, window {windows(desk)} s: {figures(there)}")
    assert_each_once(there)

    before = docker_lines.starts()
    with progress.step("docker: undo"):
        desk.run("undo", "docker", "--yes").done(900)
    back = counted_anew(docker_lines, docker, before)
    told(f"proof: numbered lines over its undo: {figures(back)}")
    assert_each_once(back)

    before = docker_lines.starts()
    with progress.step("docker: apply again"):
        desk.run("apply", plan_of(desk), "--yes").done(900)
    assert_each_once(counted_anew(docker_lines, NEW, before))

    before = docker_lines.starts()
    with docker_lines.without_agents(), progress.step("docker: undo without an agent"):
        desk.run("undo", "docker", "--yes").done(900)
        until(docker, lambda: swapping.not_all_on(docker_lines.workload, docker), limit_s=120)
    back = counted_anew(docker_lines, docker, before)
    aside, missing = docker_lines.kept(), numbers_missing(back)
    told(
        f"proof: numbered lines over an undo without an agent: {figures(back)}; "
        f"{len(missing & aside)} of the missing were put aside"
    )
    assert missing
    assert missing <= aside
    assert sum(count.twice + count.torn for count in back) == 0
    assert_each_once([count for count in back if count.start not in before])


def counted_anew(lines: LogLines, runtime: str, before: set[str]) -> list[Count]:
    """The writer's starts once all is well on this runtime, and the newest of them well under way."""
    until_well(lines, runtime)
    until("lines", lambda: lines.begun_anew(before, MANY), limit_s=90)
    counts = of("steady", lines.counted(limit_s=30))
    assert len(counts) == len(before) + 1
    return counts


def numbers_missing(counts: list[Count]) -> set[str]:
    """As they were written."""
    return {
        f"{c.start} {number}" for c in counts for first, last in c.gaps for number in range(first, last + 1)
    }


def surveyed(ground: Folders, folder: Path, progress: Progress) -> tuple[Desk, list[dict[str, Any]]]:
    """The audit's findings of the Docker cluster as it is now, and a plan, ready or not."""
    desk = Desk(ground, DOCKER, folder)
    folder.mkdir(exist_ok=True)
    write_fleet_file(ground, [DOCKER], desk.fleet, "one", probes_of(ground, DOCKER))
    at = ("--fleet", desk.fleet, "--snapshots", desk.folder / "snapshots")
    to = ("--to", "containerd-2.3.5", "--bundle", swapping.bundle(ground, progress), *NO_DRAIN)
    with progress.step("docker: survey, audit, plan"):
        replank("survey", "--runtime", *at)
        found = findings(json.loads(replank("audit", "runtime", "--json", *at, accept=(0, 2))))
        replank("plan", "runtime", *to, *at, "--out", desk.folder / "plans", accept=(0, 2))
    return desk, found


def blockers(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(f["code"], f["subject"]) for f in found if f["severity"] == "blocker"]


@pytest.mark.long
def test_an_agent_for_dockers_json_is_refused_and_a_forced_switch_loses_its_lines(
    ground: Folders, docker_lines: LogLines, progress: Progress, tmp_path: Path, told: Told
) -> None:
    """There is no way round the audit's blocker. It is forced by somebody who starts the node's part
    by hand."""
    swapping.give_crictl(ground, DOCKER, progress)
    docker_lines.deploy(DOCKER_ONLY, STEADY)
    docker = next(iter(swapping.runtimes(docker_lines.workload).values()))
    desk, found = surveyed(ground, tmp_path / "bad", progress)
    assert blockers(found) == [("RP420", AGENT)]
    said = refusal(desk)
    assert "RP842" in said
    assert f"RP420 {AGENT}" in said

    record = remedied(desk)
    docker_lines.restart_agents()
    desk, found = surveyed(ground, tmp_path / "good", progress)
    assert blockers(found) == []
    replank("remedy", "docker", "--undo", record, "--yes", "--fleet", desk.fleet)
    said = refusal(desk)
    assert "RP853" in said
    assert f"RP420 {AGENT}" in said

    remedied(desk)
    with progress.step("docker: staged"):
        desk.run("apply", plan_of(desk), "--until", "stage", "--yes").done(900)
    docker_lines.configure(DOCKER_ONLY)
    assert_each_once(docker_lines.counted())
    before = docker_lines.starts()
    try:
        with progress.step("docker: forced by hand"):
            forced(ground)
        until("lines", lambda: docker_lines.begun_anew(before, MANY), limit_s=180)
        counts = of("steady", docker_lines.counted(limit_s=10))
    finally:
        on_worker(ground, f"sudo python3 {PART} undo")
        desk.run("undo", "docker", "--yes").done(600)
    until_well(docker_lines, docker)
    after = [count for count in counts if count.start not in before]
    told(
        "proof: numbered lines over a forced switch with an agent for Docker's JSON only: "
        f"{figures(after)} on containerd; what Docker had logged: {figures([*set(counts) - set(after)])}"
    )
    assert_each_once([*set(counts) - set(after)])
    assert after
    assert all(count.missing == count.written for count in after)


def refusal(desk: Desk) -> str:
    """What `apply` says where it does not begin, on one line."""
    working = desk.run("apply", plan_of(desk), "--yes")
    out = working.done(300, accept=(1, 2))
    return " ".join(f"{working.said()} {out}".split())


def remedied(desk: Desk) -> Path:
    """`replank remedy` writes the agents' ConfigMap; returns its record."""
    ended = replank_ended("remedy", "docker", "--apply", "--yes", "--fleet", desk.fleet)
    assert ended.status == 0, ended.stderr + ended.stdout
    return max(desk.folder.glob(".replank/remedies/docker-*.json"))


NAME_PODS = """
import json, pathlib
plan = pathlib.Path("/var/lib/replank/swap/plan.json")
told = json.loads(plan.read_text())
told["pods"]["agreed"] = {pods}
plan.write_text(json.dumps(told))
"""


def forced(ground: Folders) -> None:
    """Starts the worker's switch as its owner could: agrees to every pod, starts, and waits for its end."""
    pods = "sudo docker ps --format '{{.Label \"io.kubernetes.pod.uid\"}}' | sort -u"
    uids = [uid for uid in on_worker(ground, pods).split() if uid]
    program = NAME_PODS.format(pods=json.dumps(uids))
    on_worker(ground, f"sudo python3 - <<'E'\n{program}\nE\nsudo python3 {PART} start")

    def working() -> str:
        seen = json.loads(on_worker(ground, f"sudo python3 {PART} status"))
        return "" if seen["outcome"] == "swapped" and not seen["working"] else f"{seen}"

    until("the worker", working, limit_s=300)
