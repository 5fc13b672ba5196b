"""Real log agents, fed with both formats: what their configuration loses, and that the remedy loses nothing.

It needs Go and upstream's modules, not the ground's clusters. Of the agents that replank knows, two can be
had as Go modules: the collector's filelog receiver, and Promtail's stages up to its last version under
Apache-2.0 (1.6.1).
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from proving_ground.settings import folders
from proving_ground.toolchain import build
from proving_ground.toolchain.groups import binary
from replank.migrations.runtime_swap.log_agents.model import changed
from replank.migrations.runtime_swap.log_agents.remedy import remedy
from tests.ground.told import Told
from tests.log_agents.agent_cases import CASES, Case
from tests.log_agents.corpus import Corpus, corpus

# It compiles agents.
pytestmark = [pytest.mark.ground, pytest.mark.long, pytest.mark.timeout(1200)]
SEED = 20261126
ROUNDS = 5


@dataclass(frozen=True)
class Ran:
    """What came out, in order, and how long the agent was at it. `lines`: of the file."""

    contents: list[str]
    seconds: float
    lines: int

    @property
    def speed(self) -> int:
        return round(self.lines / self.seconds)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


@pytest.fixture(scope="module")
def otel() -> Path:
    return _built("logagents-otel", "otel-lines")


@pytest.fixture(scope="module")
def promtail() -> Path:
    return _built("logagents-promtail", "promtail-lines")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a container's log would lie: the agents read metadata out of the path."""
    found = tmp_path / "shop_web-1_11111111-2222-3333-4444-555555555555" / "web" / "0.log"
    found.parent.mkdir(parents=True)
    return found


def _built(group: str, name: str) -> Path:
    build.require_go(folders())
    build.build(folders(), group)
    return binary(folders(), group, name)


def _case(name: str) -> Case:
    return Case(next(path for path in CASES if path.stem == name))


def _configurations(name: str) -> tuple[Any, Any]:
    """The case's configuration as it is, and as its remedy makes it: parsed YAML of its only file."""
    case = _case(name)
    found = remedy(case.workload, case.container, case.kind, case.texts)
    assert found.edits
    (edit,) = found.edits
    assert changed(case.texts, found.edits)[edit.source][edit.key] == edit.after
    reader = YAML(typ="safe")
    return reader.load(edit.before), reader.load(edit.after)


def _run(program: Path, arguments: Sequence[str], field: str, lines: int) -> Ran:
    done = subprocess.run([program, *arguments], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    contents = [json.loads(line)[field] for line in done.stdout.decode().split("\n") if line]
    return Ran(contents=contents, seconds=json.loads(done.stderr)["seconds"], lines=lines)


def _through_otel(program: Path, configuration: Any, log: Path, data: bytes, *, quiet: bool = False) -> Ran:
    """The case's receiver on one file, from its beginning and without positions."""
    receivers = {
        name: found for name, found in configuration["receivers"].items() if name.startswith("filelog")
    }
    (settings,) = receivers.values()
    ours = {"include": [str(log)], "start_at": "beginning", "poll_interval": "20ms"}
    settings = {key: value for key, value in settings.items() if key not in ("storage", "exclude")} | ours
    log.write_bytes(data)
    config = log.parent / "receiver.yaml"
    YAML(typ="safe").dump(settings, config)
    arguments = ["-config", str(config), *(["-quiet"] if quiet else [])]
    return _run(program, arguments, "body", data.count(b"\n"))


def _through_promtail(
    program: Path, configuration: Any, log: Path, data: bytes, *, quiet: bool = False
) -> Ran:
    parts = configuration.get("logs", {}).get("configs", [configuration])
    (job,) = parts[0]["scrape_configs"]
    log.write_bytes(data)
    config = log.parent / "stages.yaml"
    YAML(typ="safe").dump(job["pipeline_stages"], config)
    arguments = ["-config", str(config), "-file", str(log), *(["-quiet"] if quiet else [])]
    return _run(program, arguments, "line", data.count(b"\n"))


def _alike(contents: Sequence[str | bytes], *, strip: bool = False) -> list[str]:
    """Contents without what agents differ in: Docker's final newline, how many U+FFFD stand for bytes that
    are no UTF-8, and (`strip`) the blanks at a line's end, which the collector takes away by default."""
    texts = [found.decode(errors="replace") if isinstance(found, bytes) else found for found in contents]
    texts = [re.sub("\ufffd+", "\ufffd", text.removesuffix("\n")) for text in texts]
    return [text.rstrip() for text in texts] if strip else texts


def _right(ran: Ran, wanted: Sequence[bytes]) -> int:
    """How many of the wanted contents came out, each counted once."""
    out = _alike(ran.contents, strip=True)
    found = 0
    for content in _alike(wanted, strip=True):
        if content in out:
            out.remove(content)
            found += 1
    return found


def _figures(was: int, total: int) -> str:
    return f"{was} of {total} records right, after the remedy {total} of {total}, each once"


@pytest.fixture(scope="module")
def made() -> Corpus:
    return corpus(SEED, 1000)


@pytest.fixture(scope="module")
def short() -> Corpus:
    """Nothing that a runtime splits: every line is a record, whatever the agent joins."""
    return corpus(SEED, 1000, long_lines=False)


@pytest.mark.parametrize(
    ("name", "lost"), [("otel-docker-json", "cri"), ("otel-container-containerd", "offsets and Docker")]
)
def test_collector_loses_before_and_not_after(
    otel: Path, log: Path, made: Corpus, short: Corpus, told: Told, name: str, lost: str
) -> None:
    before, after = _configurations(name)
    was = _right(_through_otel(otel, before, log, made.cri), made.cri_contents)
    was += _right(_through_otel(otel, before, log, made.docker), made.docker_contents)
    docker = _through_otel(otel, after, log, short.docker)
    assert _alike(docker.contents, strip=True) == _alike(short.docker_contents, strip=True)
    cri = _through_otel(otel, after, log, made.cri)
    assert _alike(cri.contents, strip=True) == _alike(made.cri_contents, strip=True)
    total = len(made.cri_contents) + len(short.docker_contents)
    assert was < total * 0.8
    told(f"proof: log agent, collector 0.149, {name} ({lost} lost): {_figures(was, total)}")


def test_collector_leaves_dockers_split_lines_in_parts_and_loses_none(
    otel: Path, log: Path, made: Corpus
) -> None:
    _, after = _configurations("otel-docker-json")
    docker = _through_otel(otel, after, log, made.docker)
    assert len(docker.contents) > len(made.docker_contents)
    wanted = _alike(made.docker_contents, strip=True)
    assert "".join(_alike(docker.contents, strip=True)) == "".join(wanted)


@pytest.mark.parametrize("name", ["promtail-chart-2020", "grafana-agent-static"])
def test_promtail_loses_before_and_not_after(
    promtail: Path, log: Path, short: Corpus, told: Told, name: str
) -> None:
    before, after = _configurations(name)
    mixed = short.docker + short.cri
    wanted = [*short.docker_contents, *short.cri_contents]
    was = _right(_through_promtail(promtail, before, log, mixed), wanted)
    now = _through_promtail(promtail, after, log, mixed)
    assert _alike(now.contents) == _alike(wanted)
    assert was < len(wanted) * 0.6
    told(f"proof: log agent, Promtail's stages 1.6.1, {name}: {_figures(was, len(wanted))}")


def test_one_stage_after_the_other_cuts_lines_that_look_like_the_other_format(
    promtail: Path, log: Path, short: Corpus
) -> None:
    before = {"scrape_configs": [{"pipeline_stages": [{"docker": {}}, {"cri": {}}]}]}
    ran = _through_promtail(promtail, before, log, short.docker)
    assert _right(ran, short.docker_contents) < len(short.docker_contents)
    assert any(content.startswith("nested n") for content in ran.contents)


def test_promtails_parts_of_long_lines_lose_nothing(promtail: Path, log: Path, made: Corpus) -> None:
    """Before 2.6 the cri stage joins nothing: parts arrive as they are, each once."""
    _, after = _configurations("promtail-chart-2020")
    for data, wanted in ((made.docker, made.docker_contents), (made.cri, made.cri_contents)):
        ran = _through_promtail(promtail, after, log, data)
        assert "".join(_alike(ran.contents)) == "".join(_alike(wanted))


def test_speed_before_and_after(otel: Path, promtail: Path, log: Path, told: Told) -> None:
    """Lines a second in one run on one machine; the figures are told, not judged."""
    big = corpus(SEED, 60_000, long_lines=False)
    for label, run, program, name in (
        ("collector 0.149", _through_otel, otel, "otel-docker-json"),
        ("Promtail's stages 1.6.1", _through_promtail, promtail, "promtail-chart-2020"),
    ):
        before, after = _configurations(name)
        tries = ((before, big.docker), (after, big.docker), (after, big.cri))
        # In turns, and the best of each: whatever else the machine does then hits all of them.
        rounds = [
            [run(program, configuration, log, data, quiet=True).speed for configuration, data in tries]
            for _ in range(ROUNDS)
        ]
        docker_before, docker_after, cri_after = (max(speeds) for speeds in zip(*rounds, strict=True))
        assert min(docker_before, docker_after, cri_after) > 0
        change = 100 * (docker_after - docker_before) / docker_before
        told(
            f"proof: log agent speed, {label}: Docker's lines {docker_before:,} a second before and "
            f"{docker_after:,} after the remedy ({change:+.0f} %), CRI lines {cri_after:,}"
        )
