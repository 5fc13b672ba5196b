"""`make bench`: what survey, audit and plan cost for 1, 10 and 50 twin clusters, and what `--help` costs.

Each command runs as a process of its own; time and memory are the kernel's account of that process (wait4),
so the twin, which is another process, is not in them. Figures of one run compare; absolute ones depend on the
machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

SIZES = (1, 10, 50)
GOAL_HELP_MS = 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: wall and CPU seconds, peak resident memory in MiB, exit status."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    status: int


def measure(arguments: Sequence[str], *, cwd: Path | None = None) -> Cost:
    """Runs a command to its end, its output thrown away."""
    start = time.perf_counter()
    with subprocess.Popen(
        arguments, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        time.perf_counter() - start,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        process.returncode,
    )


def bench_clusters(count: int, table: Table) -> None:
    """Survey, audit and plan of a fresh twin of `count` clusters. Raises RuntimeError if a command errs."""
    with tempfile.TemporaryDirectory(prefix="replank-bench-") as name:
        folder = Path(name)
        holder = [sys.executable, "-m", "replank.testbed.hold", str(count), str(folder)]
        with subprocess.Popen(holder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as twin:
            if twin.stdout is None or twin.stdout.readline() != "up\n":
                raise RuntimeError(f"the twin of {count} clusters did not come up")
            for command in ("survey", "audit", "plan takeover"):
                line = [sys.executable, "-m", "replank", *command.split()]
                cost = measure(line, cwd=folder)
                if cost.status not in (0, 2):
                    raise RuntimeError(f"`replank {command}` of {count} clusters ended with {cost.status}")
                _row(table, count, command, cost)
            rest, _ = twin.communicate()
            own = json.loads(rest)
            table.add_row(
                str(count), "(the twin itself)", "", f"{own['cpu_s']:.2f}", f"{own['peak_mib']:.0f}", ""
            )
        snapshots = sorted((folder / "snapshots").rglob("*.gz"))
        if len(snapshots) != count:
            raise RuntimeError(f"{len(snapshots)} snapshots of {count} clusters")
    table.add_section()


def _row(table: Table, count: int, command: str, cost: Cost) -> None:
    table.add_row(
        str(count),
        command,
        f"{cost.wall_s:.2f}",
        f"{cost.cpu_s:.2f}",
        f"{cost.peak_mib:.0f}",
        f"{cost.cpu_s / count * 1000:.0f}",
    )


def bench_help(runs: int) -> tuple[float, float]:
    """Median wall milliseconds of bare Python and of `replank --help`, taken in turn."""
    bare, help_ = [], []
    for _ in range(runs):
        bare.append(measure([sys.executable, "-c", "pass"]).wall_s * 1000)
        help_.append(measure([sys.executable, "-m", "replank", "--help"]).wall_s * 1000)
    return statistics.median(bare), statistics.median(help_)


def machine() -> str:
    """Cores, memory and kernel; nothing else about the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, kernel {platform.release()}, {python}"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--help-runs", type=int, default=15)
    options = parser.parse_args()
    console = Console(width=100, highlight=False)
    console.print(machine())
    columns = ("clusters", "command", "wall s", "CPU s", "peak MiB", "CPU ms a cluster")
    table = Table(*(columns), title="replank's own cost, whole process")
    for count in options.sizes:
        bench_clusters(count, table)
    console.print(table)
    bare, help_ = bench_help(options.help_runs)
    over = help_ - bare
    verdict = "within" if over <= GOAL_HELP_MS else f"{over - GOAL_HELP_MS:.0f} ms over"
    console.print(
        f"start-up: bare Python {bare:.0f} ms, replank --help {help_:.0f} ms: {over:.0f} ms more "
        f"({verdict} the goal of {GOAL_HELP_MS:.0f} ms)"
    )


if __name__ == "__main__":
    main()
