"""`replank probe`: the outcome is the exit status, and what was seen is the output."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fake_engine import FakeProbes, FakeWorld

from replank.app.cli import cli


@dataclass
class Web:
    """Answers with `status`."""

    status: int = 200
    asked: list[float] = field(default_factory=list)
    port: int = 0


@contextmanager
def web(*, dies_after_s: float | None = None) -> Any:
    said = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said.asked.append(time.monotonic())
            late = dies_after_s is not None and said.asked[-1] - said.asked[0] > dies_after_s
            self.send_response(500 if late else said.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    said.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def probing(tmp_path: Path) -> Any:
    def run(port: int, *arguments: str, obj: object = None) -> Any:
        fleet = tmp_path / "fleet.yaml"
        target = f'{{name: web, http: "http://127.0.0.1:{port}/", timeout_s: 5}}'
        fleet.write_text(
            "schema: replank.fleet/v1\nclusters:\n  a:\n    state: [{file: a.tfstate}]\n"
            f"    probes: [{target}]\n"
        )
        where = ["--fleet", str(fleet), "--reports", str(tmp_path / "reports")]
        return CliRunner().invoke(cli, ["probe", "a", *arguments, *where], standalone_mode=False, obj=obj)

    return run


def test_a_target_that_fails_is_exit_status_1_and_the_record_is_kept(probing: Any, tmp_path: Path) -> None:
    with web(dies_after_s=0.3) as said:
        done = probing(said.port, "--for", "1.5s", "--json")
    result = json.loads(done.stdout)
    assert (done.return_value, result["outcome"]) == (1, "failed")
    assert result["targets"][0]["stats"]["failed"] > 0
    (record,) = (tmp_path / "reports").glob("a-*.probe.jsonl")
    assert str(record) in done.stderr


def test_too_little_seen_is_exit_status_2_and_the_baseline_comes_first(probing: Any) -> None:
    probes = FakeProbes()
    world = FakeWorld(probes=probes)
    done = probing(1, "--for", "0.01s", "--baseline", "1m", "--json", obj=world.wiring)
    assert (done.return_value, json.loads(done.stdout)["outcome"]) == (2, "inconclusive")
    assert probes.events == ["opened", "baseline", "closed"]


def test_the_exit_status_says_the_outcome_and_the_terminal_shows_it(probing: Any) -> None:
    """On a busy machine it may be inconclusive: too late samplers see too little."""
    with web() as said:
        done = probing(said.port, "--for", "1s")
    outcome = done.stdout.partition(":")[0]
    assert (outcome, done.return_value) in (("passed", 0), ("inconclusive", 2))
    assert "web" in done.stdout


@pytest.mark.parametrize("length", ["5x", "0s", "-3m", "9999h"])
def test_a_length_that_is_no_time_is_told(probing: Any, length: str) -> None:
    done = probing(1, "--for", length)
    assert "is no time such as" in str(done.exception.format_message())


def test_a_target_that_cannot_be_asked_is_an_error_with_a_code(probing: Any, tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(
        "schema: replank.fleet/v1\nclusters:\n  a:\n    state: [{file: a.tfstate}]\n"
        "    kubeconfig: nothing.yaml\n"
    )
    done = CliRunner().invoke(
        cli,
        ["probe", "a", "--for", "1s", "--fleet", str(fleet), "--reports", str(tmp_path)],
        standalone_mode=False,
    )
    assert done.exception.code == "RP050"
