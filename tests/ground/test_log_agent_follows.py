"""The log agent and the writer that lines are counted with on the ground, alone: each line once, whatever
happens to files and agent. It needs Go and upstream's modules, not the ground's clusters."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from proving_ground.scenario import line_count
from proving_ground.scenario.line_count import Count, counts_of
from proving_ground.scenario.log_lines import BOTH_FORMATS, DOCKER_ONLY, configuration
from proving_ground.scenario.waiting import until
from proving_ground.settings import folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary

# It compiles agents.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1200)]

START = "steady-a1"
POD = "numbers_steady-1_11111111-2222-3333-4444-555555555555/steady"


def _built(group: str) -> Path:
    build.require_go(folders())
    build.build(folders(), group)
    return binary(folders(), group, group)


@pytest.fixture(scope="module")
def agent() -> Path:
    return _built("log-agent")


@dataclass(frozen=True)
class Place:
    """A node's folders, as far as an agent sees them."""

    root: Path

    @property
    def log(self) -> Path:
        """The container's log of now."""
        return self.root / "pods" / POD / "0.log"

    @property
    def collected(self) -> Path:
        return self.root / "collected" / "lines.json"

    def append(self, file: Path, first: int, last: int, shape: str = "cri") -> None:
        """The numbers as a runtime logs them."""
        time = "2026-11-26T10:11:12.123456789Z"
        with file.open("a") as log:
            for number in range(first, last + 1):
                text = f"{START} {number}"
                docker = json.dumps({"log": f"{text}\n", "stream": "stdout", "time": time})
                log.write(f"{docker}\n" if shape == "docker" else f"{time} stdout F {text}\n")

    def counted(self, last: int) -> Count:
        (found,) = counts_of(line_count.count(self.collected, {START: last}), {START: last})
        return found

    def until_read(self, last: int) -> None:
        def missing() -> str:
            gaps = self.counted(last).gaps
            return f"missing: {gaps}" if gaps else ""

        until(f"line {last}", missing, limit_s=60, every_s=0.2)

    @contextmanager
    def followed(self, agent: Path, operators: str = BOTH_FORMATS) -> Iterator[None]:
        """An agent at work, which ends well when it is told to."""
        config = self.root / "relay.yaml"
        at = {"logs": str(self.root / "pods"), "positions": str(self.root / "positions")}
        config.write_text(configuration(operators, collected=str(self.collected.parent), **at))
        with (self.root / "log").open("a") as said:
            process = subprocess.Popen([agent, f"--config={config}"], stdout=said, stderr=said)
            try:
                yield
                assert process.poll() is None, (self.root / "log").read_text()[-3000:]
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0, (self.root / "log").read_text()[-3000:]
            finally:
                process.kill()
                process.wait()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    for folder in (found.log.parent, tmp_path / "positions", tmp_path / "collected"):
        folder.mkdir(parents=True)
    return found


def test_each_line_arrives_once_over_rotations_and_the_agents_restart(agent: Path, place: Place) -> None:
    place.append(place.log, 1, 1000)
    with place.followed(agent):
        place.until_read(1000)
        place.append(place.log, 1001, 2000)
        place.log.rename(place.log.with_name("0.log.20261126-101112"))
        place.append(place.log, 2001, 3000)
        place.until_read(3000)
    place.append(place.log, 3001, 3500)
    place.log.rename(place.log.with_name("0.log.20261126-101113"))
    place.append(place.log, 3501, 4000)
    with place.followed(agent):
        place.append(place.log, 4001, 4100)
        place.until_read(4100)
    assert place.counted(4100) == Count(START, 4100)


def _switched(place: Place) -> None:
    """Docker's file behind the kubelet's link, then the next container's of containerd."""
    docker = place.root / "docker-json.log"
    place.append(docker, 1, 500, "docker")
    place.log.symlink_to(docker)
    place.append(place.log.with_name("1.log"), 501, 1200)


def test_an_agent_for_both_formats_reads_on_where_the_runtime_was_switched(agent: Path, place: Place) -> None:
    _switched(place)
    with place.followed(agent):
        place.until_read(1200)
    assert place.counted(1200) == Count(START, 1200)


def test_an_agent_for_dockers_json_loses_what_comes_after_the_switch(agent: Path, place: Place) -> None:
    _switched(place)
    with place.followed(agent, DOCKER_ONLY):
        place.until_read(500)
    assert place.counted(1200) == Count(START, 1200, gaps=((501, 1200),))


def test_the_writer_keeps_account_of_every_line_that_it_has_written(tmp_path: Path) -> None:
    command = [_built("numbered-lines"), "--name", "steady", "--per-second", "2000", "--tally", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        written = [writer.stdout.readline() for _ in range(3000)]
        writer.send_signal(signal.SIGTERM)
        written += writer.stdout.readlines()
    assert writer.returncode == 0
    ((start, last),) = line_count.tallies(tmp_path).items()
    assert written == [f"{start} {number}\n" for number in range(1, last + 1)]
