"""docs/bench.md and the JSON of one run."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import asdict
from typing import Any

from proving_ground.bench.run import Size, Total
from proving_ground.proof import REPOSITORY

PAGE = REPOSITORY / "docs" / "bench.md"
GOAL_SHARE, GOAL_MIB = 0.8, 512
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_WHAT = {
    "replank": "replank's engine",
    "bare": "bare loop of applies",
    "asked": "bare loop, a dry run before each apply",
}


def document(size: Size, totals: dict[str, Total]) -> dict[str, Any]:
    """As JSON values: the machine by cores, memory and kernel alone."""
    rate = {side: total.rate for side, total in totals.items()}
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _commit(),
        "machine": machine(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "clusters": size.clusters,
        "parallel": size.parallel,
        "sides": {side: asdict(total) | {"rate": round(total.rate, 1)} for side, total in totals.items()},
        "share_of_bare": round(rate["replank"] / rate["bare"], 3),
        "share_of_asked": round(rate["replank"] / rate["asked"], 3),
        "goals": {
            "share_of_bare": GOAL_SHARE,
            "reached": rate["replank"] >= GOAL_SHARE * rate["bare"],
            "peak_mib": GOAL_MIB,
            "within": totals["replank"].peak_mib <= GOAL_MIB,
        },
    }


def machine() -> str:
    """Nothing else about it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, kernel {platform.release()}"


def write(found: dict[str, Any]) -> None:
    """Replaces the measured part of the page; its words stay."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n{_measured(found)}\n{_END}{after}")


def _measured(found: dict[str, Any]) -> str:
    lines = [
        f"{found['at']}, commit {found['commit']}; {found['machine']}; load at the end {found['load']}.",
        f"{found['clusters']} clusters of 20 machines for each, {found['parallel']} at once.",
        "",
        "| | objects | seconds | objects/s | own CPU, ms/object | the plane's CPU, ms/object | peak MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for side, what in _WHAT.items():
        row = found["sides"][side]
        own, plane = (row[name] / row["objects"] * 1000 for name in ("cpu_s", "server_cpu_s"))
        lines.append(
            f"| {what} | {row['objects']} | {row['wall_s']:.0f} | {row['rate']} | {own:.1f} | {plane:.1f} "
            f"| {row['peak_mib']:.0f} |"
        )
    bare, asked, goals = found["share_of_bare"], found["share_of_asked"], found["goals"]
    lines += [
        "",
        f"replank reaches {bare:.0%} of the bare loop (goal {goals['share_of_bare']:.0%}: "
        f"{'reached' if goals['reached'] else 'missed'}) and {asked:.0%} of the loop that asks first. Memory "
        f"{found['sides']['replank']['peak_mib']:.0f} MiB (goal {goals['peak_mib']}: "
        f"{'kept' if goals['within'] else 'missed'}), all {found['clusters']} plans and the simulated "
        "systems in it.",
    ]
    return "\n".join(lines)


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if git("status", "--porcelain") else "")
