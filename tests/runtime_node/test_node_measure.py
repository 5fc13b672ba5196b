"""What the runtime uses: the daemons and shims of the node, each page once, and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_runs import Runs

from replank.migrations.runtime_swap.node import status, swap_node
from replank.testbed.node.world import World

Make = Callable[[str], Runs]
TICK = os.sysconf("SC_CLK_TCK")
OWN, OTHER = "pid:[4026531836]", "pid:[4026532200]"


class Processes:
    """Those of a node, below its folder /proc."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.spaces("self", OWN)

    def spaces(self, pid: str, space: str) -> None:
        link = self.world.path(f"proc/{pid}/ns/pid")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(space)

    def run(
        self, pid: int, program: str, *, pss_kib: int, seconds: float = 0, started: int = 7, space: str = OWN
    ) -> None:
        folder = self.world.path(f"proc/{pid}")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "exe").symlink_to(program)
        self.spaces(str(pid), space)
        self.spend(pid, program, seconds, started)
        rest = "Pss_Anon: 77777 kB\nSwapPss: 66666 kB\n"
        (folder / "smaps_rollup").write_text(f"55-7f ---p 0 00:00 0 [rollup]\nPss: {pss_kib} kB\n{rest}")

    def spend(self, pid: int, program: str, seconds: float, started: int = 7) -> None:
        """CPU time so far: a part in user mode, the rest in the kernel; its children's is another's."""
        ticks = round(seconds * TICK)
        fields = ["0"] * 50
        fields[0], fields[11], fields[12], fields[13], fields[19] = (
            *("S", str(ticks // 3), str(ticks - ticks // 3), "123456", str(started)),
        )
        name = Path(program.removesuffix(" (deleted)")).name[:15]
        self.world.path(f"proc/{pid}/stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


@pytest.fixture
def node(runs: Make) -> Runs:
    return runs("in-place")


@pytest.fixture
def processes(node: Runs) -> Processes:
    return Processes(node.world)


def meanwhile(node: Runs, monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> None:
    """Happens within the seconds that are measured."""

    def sleep(seconds: float) -> None:
        what()
        node.world.clock += seconds

    monkeypatch.setattr(node.world, "sleep", sleep)


def rows(node: Runs) -> dict[str, dict[str, Any]]:
    return {row["program"]: row for row in node.do("measure")["measured"]["programs"]}


def test_memory_is_summed_by_program_and_cpu_is_that_of_the_time_measured(
    node: Runs, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = "/usr/bin/containerd-shim-runc-v2"
    processes.run(100, "/usr/bin/containerd", pss_kib=50_000, seconds=1000)
    for pid in (200, 201, 202):
        processes.run(pid, shim, pss_kib=2_000, seconds=5)

    def work() -> None:
        processes.spend(100, "/usr/bin/containerd", 1000.5)
        processes.spend(201, shim, 5.2)

    meanwhile(node, monkeypatch, work)
    seen = node.do("measure")["measured"]
    assert seen["seconds"] == swap_node.MEASURED_SECONDS
    daemon, shims = seen["programs"]
    assert daemon == {
        "program": "/usr/bin/containerd",
        "processes": 1,
        "pss_bytes": 50_000 << 10,
        "cpu_seconds": pytest.approx(0.5),
    }
    assert (shims["program"], shims["processes"], shims["pss_bytes"]) == (shim, 3, 6_000 << 10)
    assert shims["cpu_seconds"] == pytest.approx(0.2)


def test_dockers_daemons_count_and_no_other_program_nor_a_docker_in_a_pod(
    node: Runs, processes: Processes
) -> None:
    for number, name in enumerate(("dockerd", "docker-proxy", "cri-dockerd", "containerd"), 100):
        processes.run(number, f"/usr/bin/{name}", pss_kib=10)
    processes.run(200, "/usr/bin/kubelet", pss_kib=10)
    processes.run(201, "/usr/bin/containerd-stress", pss_kib=10)
    processes.run(202, "/usr/local/bin/dockerd", pss_kib=10, space=OTHER)
    names = ("containerd", "cri-dockerd", "docker-proxy", "dockerd")
    assert list(rows(node)) == [f"/usr/bin/{name}" for name in names]


def test_what_ends_is_left_out_and_what_starts_counts_from_its_start(
    node: Runs, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = "/usr/bin/containerd-shim-runc-v2"
    processes.run(200, shim, pss_kib=1_000, seconds=50)
    processes.run(201, shim, pss_kib=1_000, seconds=50)

    def change() -> None:
        node.world.path("proc/200/exe").unlink()
        processes.spend(201, shim, 0.3, started=9_000)  # another process with the number of one that ended

    meanwhile(node, monkeypatch, change)
    (row,) = rows(node).values()
    assert row["processes"] == 1
    assert row["cpu_seconds"] == pytest.approx(0.3)


def test_a_program_that_was_replaced_on_disk_keeps_its_name(node: Runs, processes: Processes) -> None:
    processes.run(100, "/usr/bin/containerd (deleted)", pss_kib=10)
    assert list(rows(node)) == ["/usr/bin/containerd"]


def test_an_old_kernel_tells_memory_mapping_by_mapping(node: Runs, processes: Processes) -> None:
    processes.run(100, "/usr/bin/containerd", pss_kib=10)
    node.world.path("proc/100/smaps_rollup").unlink()
    mapping = "7f00-7f01 r-xp 0 00:00 0 /usr/bin/containerd\nRss: 900 kB\nPss: {} kB\nSwapPss: 70 kB\n"
    node.world.path("proc/100/smaps").write_text(mapping.format(300) + mapping.format(400))
    assert rows(node)["/usr/bin/containerd"]["pss_bytes"] == 700 << 10


@pytest.mark.parametrize("after", ["", "stage", "run"])
def test_measuring_writes_nothing_and_replank_reads_what_it_says(
    node: Runs, processes: Processes, after: str
) -> None:
    processes.run(100, "/usr/bin/containerd", pss_kib=10)
    for command in {"": (), "stage": ("stage",), "run": ("stage", "run")}[after]:
        node.do(command)
    before = {path: path.stat().st_mtime_ns for path in node.base.rglob("*")}
    said = status.read_status(json.dumps(node.do("measure")).encode(), where="test")
    assert {path: path.stat().st_mtime_ns for path in node.base.rglob("*")} == before
    assert said.measured is not None
    assert [use.program for use in said.measured.programs] == ["/usr/bin/containerd"]
    assert said.outcome == {"": "", "stage": "staged", "run": "swapped"}[after]


def test_a_swap_is_not_kept_waiting_by_a_measurement(
    node: Runs, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.do("stage")
    begun: list[str] = []

    def swap() -> None:
        if not begun:
            begun.append("")
            assert node.do("run")["outcome"] == "swapped"

    meanwhile(node, monkeypatch, swap)
    assert node.do("measure")["outcome"] == "swapped"
    assert begun


def test_what_may_not_be_read_is_refused_and_never_left_out(
    node: Runs, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.run(100, "/usr/bin/containerd", pss_kib=10)
    read = Path.read_text

    def denied(path: Path, *given: Any, **named: Any) -> str:
        if path.name == "smaps_rollup":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", denied)
    said = node.do("measure")
    assert "Permission denied" in said["refused"]["why"]
    assert "measured" not in said
