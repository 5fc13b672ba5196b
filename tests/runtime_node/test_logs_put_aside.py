"""What an undo does with containerd's logs: agents get the time to read them, and all are put aside."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from node_runs import Runs

from replank.migrations.runtime_swap.node import swap_node


def _on_another_file_system(source: str, target: str) -> None:
    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


@pytest.mark.parametrize("links", [True, False])
def test_lines_that_are_written_while_pods_are_stopped_are_put_aside_too(
    runs: Callable[[str], Runs], monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(swap_node.os, "link", _on_another_file_system)
    node = runs("switch")
    node.do("stage")
    node.do("run")
    (log, *_) = sorted(node.world.path("var/log/pods").rglob("1.log"))

    def hook(point: str) -> None:
        if point.startswith("before crictl") and " stopp " in point:
            with log.open("a") as lines:
                lines.write(f"{point}\n")
            node.world.hook = lambda _: None

    node.world.hook = hook
    assert node.do("undo")["outcome"] == "undone"
    kept = [p.read_text() for p in (node.base / "kept").rglob("1.log*") if p.is_file()]
    assert any(" stopp " in text for text in kept)


def test_log_agents_are_stopped_last_and_every_container_is_asked_first(runs: Callable[[str], Runs]) -> None:
    node = runs("switch")
    node.do("stage")
    node.do("run")
    names = {c["id"]: c["name"] for c in node.world.cri if c["type"] != "podsandbox"}
    node.world.spawned.clear()
    assert node.do("undo")["outcome"] == "undone"
    said = [line.split() for line in node.world.spawned if line.startswith("crictl")]
    ended = [(words[3], names.get(words[-1], "POD")) for words in said if words[3] in ("stop", "stopp")]
    assert [name for verb, name in ended if verb == "stop"] == ["web", "side", "agent"]
    assert [verb for verb, _ in ended] == ["stop"] * 3 + ["stopp"] * 2


@pytest.mark.parametrize("lags", [True, False])
def test_a_log_agent_that_is_behind_gets_the_time_to_read_on(
    runs: Callable[[str], Runs], monkeypatch: pytest.MonkeyPatch, lags: bool
) -> None:
    """`lags`: it never catches up, which must not hold the node."""
    node = runs("switch")
    node.do("stage")
    node.do("run")
    slept: list[float] = []
    sleep = node.world.sleep

    def noted(seconds: float) -> None:
        slept.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(node.world, "sleep", noted)
    looks = iter([["0.log"]] * 1000 if lags else [["0.log"]] * 20)
    monkeypatch.setattr(swap_node, "unread", lambda *_: next(looks, []))
    assert node.do("undo")["outcome"] == "undone"
    waited = 0.2 * slept.count(0.2)
    assert waited >= (swap_node.READ_AT_MOST if lags else 20 * 0.2) - 0.3
    assert waited < swap_node.READ_AT_MOST + 5


def test_what_is_unread_is_told_by_the_processes_that_have_it_open(tmp_path: Path) -> None:
    """On this machine's own /proc: this process is the agent."""
    log = tmp_path / "ns_pod_uid" / "app" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\ntwo\n")
    with log.open("rb", buffering=0) as agent, log.open("ab") as _runtime:
        agent.read(4)
        assert swap_node.unread(Path("/proc"), [log, tmp_path / "gone.log"]) == [str(log)]
        agent.read()
        assert swap_node.unread(Path("/proc"), [log]) == []
