"""The ground itself: killed at any point it goes on, down it leaves nothing, and again up it is quick.

Takes the whole ground down, whatever stands on it: part of the long proof only.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proving_ground import host
from proving_ground.engine import docker_engine
from proving_ground.settings import LABEL, Folders, folders

pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(3600)]

REPOSITORY = Path(__file__).parents[2]
KILLS = 5
LIMIT_S = 180
"""A second `ground-up` on the same machine, everything cached."""


def command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "proving_ground", *arguments], cwd=REPOSITORY, start_new_session=True
    )


def finish(*arguments: str) -> float:
    """Runs a command of the ground to its end; returns its seconds."""
    began = time.monotonic()
    assert command(*arguments).wait(timeout=1800) == 0
    return time.monotonic() - began


def test_down_leaves_nothing_but_the_cache() -> None:
    ground = folders()
    before = {name: int((Path("/proc/sys") / name).read_text()) for name in host.SYSCTLS}
    finish("down")
    assert not ground.state.exists()
    assert [line for line in Path("/proc/mounts").read_text().splitlines() if str(ground.state) in line] == []
    assert [line for line in rules() if "GROUND" in line] == []
    assert [line for line in rules() if "-A DOCKER-USER -j ACCEPT" in line] == []
    assert processes(ground) == []
    after = {name: int((Path("/proc/sys") / name).read_text()) for name in host.SYSCTLS}
    assert all(after[name] <= before[name] for name in after)
    if docker_engine.answers():  # one that was there before us
        client = docker_engine.connect()
        assert client.containers.list(all=True, filters={"label": LABEL}) == []
        assert client.networks.list(filters={"label": LABEL}) == []
        assert client.volumes.list(filters={"label": LABEL}) == []


def test_up_goes_on_after_being_killed_at_random_points() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    choose = random.Random(seed)
    killed = 0
    while killed < KILLS:
        process = command("up")
        wait_s = choose.uniform(1, 30)
        try:
            process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
            print(f"killed after {wait_s:.1f} s")
        else:  # it was up before its time came: from nothing again
            finish("down")
    finish("up")


def test_a_second_up_is_quick() -> None:
    finish("down")
    took = finish("up")
    print(f"up took {took:.0f} s")
    assert took < LIMIT_S


def rules() -> list[str]:
    """All packet filter rules of the host."""
    found: list[str] = []
    for table in ("filter", "nat", "mangle"):
        done = subprocess.run(
            ["iptables", "-w", "-t", table, "-S"], capture_output=True, text=True, check=True
        )
        found += done.stdout.splitlines()
    return found


def processes(ground: Folders) -> list[str]:
    """Command lines that name the ground's folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked
        if str(ground.root) in line and int(place.name) != os.getpid():
            found.append(line)
    return found
