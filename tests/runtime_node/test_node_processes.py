"""The file itself, as root runs it: programs on PATH, real locks, real SIGKILL."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from node_processes import Stage, stage
from node_runs import Runs

from replank.migrations.runtime_swap.node import swap_node

Make = Callable[[str], Runs]
SOURCE = Path(swap_node.__file__)


def until_hanging(seen: Stage, command: str, text: str) -> subprocess.Popen[str]:
    """The command, come to the program whose line holds `text`, which does not answer."""
    seen.hang = text
    process = seen.popen(command)
    assert seen.hanging.wait(30)
    seen.hang = ""
    return process


def test_switch_from_check_to_undo_as_processes(runs: Make) -> None:
    node = runs("switch")
    with stage(node) as seen:
        code, said = seen.do("check")
        assert (code, said["ok"]) == (0, True), said["checks"]
        assert seen.do("stage")[0] == 0
        code, said = seen.do("run")
        assert (code, said["outcome"]) == (0, "swapped"), said
        node.assert_swapped()
        assert seen.do("status")[1]["window_seconds"] > 0
        code, said = seen.do("undo")
        assert (code, said["outcome"]) == (0, "undone"), said
        node.assert_undone()


def test_killed_while_docker_stops_its_containers_it_goes_on(runs: Make) -> None:
    node = runs("switch")
    with stage(node) as seen:
        seen.do("stage")
        process = until_hanging(seen, "run", "docker stop")
        assert seen.do("status")[1]["working"]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        status = seen.do("status")[1]
        assert (status["outcome"], status["working"]) == ("switching", False)
        code, said = seen.do("run")
        assert (code, said["outcome"]) == (0, "swapped"), said
        node.assert_swapped()


def test_deadline_ends_a_switch_that_hangs_and_undoes_it(runs: Make) -> None:
    node = runs("switch")
    with stage(node) as seen:
        seen.do("stage")
        process = until_hanging(seen, "run", "systemctl restart")
        code, said = seen.do("deadline")
        assert (code, said["outcome"], said["code"]) == (3, "undone", "RP496"), said
        assert process.wait(5) == -signal.SIGKILL
        node.assert_undone()
        assert "systemctl stop replank-swap.service" in node.world.spawned


def test_second_command_is_refused_while_one_works(runs: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    node = runs("in-place")
    with stage(node) as seen:
        seen.do("stage")
        process = until_hanging(seen, "run", "systemctl restart")
        monkeypatch.setattr(node.world, "sleep", lambda seconds: None)
        assert node.do("commit")["refused"]["code"] == "RP499"
        seen.over.set()
        assert process.wait(30) == 3


def test_lost_session_does_not_end_the_way_back(runs: Make) -> None:
    node = runs("in-place")
    with stage(node) as seen:
        seen.do("stage")
        seen.do("run")
        process = until_hanging(seen, "undo", "daemon-reload")
        process.send_signal(signal.SIGHUP)
        seen.over.set()
        out, _ = process.communicate(timeout=30)
        assert json.loads(out)["outcome"] == "undone"
        node.assert_undone()


def test_program_that_does_not_end_is_killed_with_all_that_it_started() -> None:
    began = time.monotonic()
    outside = swap_node.Outside()
    code, _, said = outside.spawn(["sh", "-c", "sleep 60 & sleep 60"], "", {}, 0.2)
    assert (code, said) == (swap_node.TIMED_OUT, "no end after 0.2 s")
    assert outside.pipe(["sleep", "60"], ["cat"], 0.2)[0] == swap_node.TIMED_OUT
    assert time.monotonic() - began < 10


def test_program_that_is_not_there_is_an_answer_and_no_crash() -> None:
    outside = swap_node.Outside()
    assert outside.spawn(["/nowhere/tool"], "", {}, 1)[0] == 127
    assert outside.pipe(["/nowhere/tool"], ["cat"], 1)[0] == 127
    assert outside.pipe(["true"], ["/nowhere/tool"], 1)[1] == 127
    assert not outside.healthy("http://127.0.0.1:1/healthz")
    assert not outside.answers("127.0.0.1", 1)


def test_file_is_python_3_6_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 6))
    names = {
        n for node in ast.walk(tree) if isinstance(node, ast.Import) for n in (a.name for a in node.names)
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {n.split(".")[0] for n in names} <= set(sys.stdlib_module_names)
    assert not names & {"__future__", "dataclasses"}  # both came with 3.7


def test_a_boot_is_told_by_the_kernel_and_by_the_first_process() -> None:
    """In a machine that is a container the first alone stays the same when it is started anew."""
    told = swap_node.Outside().boot()
    kernel, _, first = told.partition(":")
    assert kernel == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert first.isdecimal()
    assert swap_node.Outside().boot() == told
