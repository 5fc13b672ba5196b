"""Real processes, real SIGKILL, one SQLite file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def process(folder: Path, *arguments: str, stop: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, "TOY_STOP": stop}
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.engine.toy_engine",
            str(folder),
            f"sqlite:///{folder / 'journal.db'}",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def said(one: subprocess.Popen[str]) -> list[str]:
    out, err = one.communicate(timeout=60)
    assert err == ""
    assert one.returncode == 0
    return out.split()


def until_it_stops(folder: Path, one: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if (folder / "stopped").exists():
            return
        assert one.poll() is None, one.communicate()
        time.sleep(0.05)
    raise AssertionError("it never came there")


def test_a_killed_run_is_carried_on_by_another_process(tmp_path: Path):
    first = process(tmp_path, "start", stop="after apply b")
    until_it_stops(tmp_path, first)
    first.send_signal(signal.SIGKILL)
    run_id = first.communicate()[0].split()[0]
    assert first.returncode == -signal.SIGKILL
    assert json.loads((tmp_path / "kube.json").read_text()) != [], "its lease is still there"
    assert said(process(tmp_path, "resume", run_id)) == ["done"]
    kept = json.loads((tmp_path / "world.json").read_text())
    assert kept["writes"] == ["a=new-a", "b=new-b", "c=new-c", "d=new-d"]
    assert json.loads((tmp_path / "kube.json").read_text()) == []
