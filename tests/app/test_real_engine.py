"""The command line on the real engine and journal: apply, pause, kill, resume, undo."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from apply_site import ApplySite
from bad_input_site import Done
from real_engine import LeaseApi, LineStep, real_wiring

from replank.plan.model import Irreversible


@contextmanager
def file_size_limit(bytes_: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@dataclass
class Real:
    desk: ApplySite
    code: LineStep
    api: LeaseApi

    def run(self, command: str, *arguments: object) -> Done:
        wiring = real_wiring(self.desk.world, self.code, self.api)
        return self.desk.site.run(
            *command.split(), *arguments, "--fleet", self.desk.site.fleet, wiring=wiring
        )

    @property
    def reports(self) -> tuple[str, Path]:
        return "--reports", self.desk.reports

    def apply(self, *more: object) -> Done:
        return self.run("apply --yes --json", self.desk.plan("b"), *self.reports, *more)

    def row(self) -> dict[str, str]:
        (row,) = json.loads(self.run("status --json").out)
        return row

    @property
    def steps(self) -> list[str]:
        stages = [stage for stage in self.desk.loaded("b").stages if not stage.on_request]
        return [step.id for stage in stages for step in stage.steps]


@pytest.fixture
def real(applying: ApplySite) -> Iterator[Real]:
    applying.approve_all("b")
    yield Real(applying, LineStep(applying.site.folder / "lines"), LeaseApi())
    # DBOS keeps the standard error of the test that launched it first, which is closed by now.
    logging.getLogger("dbos").handlers.clear()


def test_apply_status_log_undo(real: Real):
    done = real.apply()
    assert done.status == 0, done.err
    assert real.code.lines == real.steps
    assert (real.row()["status"], real.run("status").status) == ("done", 0)
    kinds = [json.loads(line)["kind"] for line in real.run("log --json b").out.splitlines()]
    assert kinds.count("step-done") == len(real.steps)
    undone = real.run("undo --yes b", *real.reports)
    assert undone.status == 0, undone.err
    steps = [step for stage in real.desk.loaded("b").stages for step in stage.steps]
    assert real.code.lines == [step.id for step in steps if isinstance(step.undo, Irreversible)]
    assert real.api.kept == {}, "the lease is given back"


def test_a_second_signal_leaves_at_once_and_resume_loses_nothing(real: Real):
    middle = len(real.steps) // 2
    script = Path(__file__).with_name("real_engine.py")
    command = [sys.executable, script, real.desk.site.folder, real.desk.plan("b"), real.steps[middle]]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().strip() == "stopped"
        os.kill(process.pid, signal.SIGINT)
        while "Pausing" not in process.stderr.readline():
            assert process.poll() is None
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130
    assert real.code.lines == real.steps[: middle + 1]
    resumed = real.run("resume b", *real.reports)
    assert resumed.status == 0, resumed.err
    assert real.code.lines == real.steps


def test_status_tells_a_run_at_work_from_one_whose_process_is_dead(real: Real):
    script = Path(__file__).with_name("real_engine.py")
    command = [sys.executable, script, real.desk.site.folder, real.desk.plan("b"), real.steps[3]]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "stopped"
        working = real.run("status")
        assert (working.status, "applying" in working.out) == (0, True)
        assert real.row()["left"] is False
        process.kill()
    row = real.row()
    assert (row["status"], row["left"]) == ("running", True)
    assert f"replank resume {row['run']}" in row["why"]
    one = real.run("status b")
    assert (real.run("status").status, one.status, "LEFT" in one.out) == (2, 2, True)
    assert real.run("resume b", *real.reports).status == 0
    assert real.row()["left"] is False


@pytest.mark.parametrize("command", ["resume b", "pause b", "abort --yes b", "undo --yes b"])
def test_a_run_of_another_version_is_shown_and_refused_by_name(real: Real, command: str):
    assert real.apply("--until", real.desk.loaded("b").stages[0].name).status == 0
    run_id = real.row()["run"]
    journal = sqlite3.connect(real.desk.site.folder / ".replank" / "journal.db")
    with journal:
        journal.execute("UPDATE replank_runs SET schema = 'replank.journal/v0'")
        journal.execute("DELETE FROM replank_events WHERE kind = 'run-done'")
    journal.close()
    status = real.run("status")
    assert (status.status, "of another version" in status.out) == (2, True)
    refused = real.run(command, *(real.reports if command in ("resume b", "undo --yes b") else ()))
    assert (refused.status, "RP810" in refused.err, run_id in refused.said) == (1, True, True)
    again = real.apply()
    assert (again.status, "RP810" in again.err) == (1, True)


def test_a_journal_that_is_no_database_is_refused_before_anything_begins(real: Real):
    folder = real.desk.site.folder / ".replank"
    folder.mkdir()
    (folder / "journal.db").write_text("this is no database, and long enough to be looked at as one" * 9)
    done = real.apply()
    assert (done.status, "RP811" in done.err) == (1, True)
    assert real.code.lines == []


@pytest.mark.parametrize("url", ["mysql://jane@db/replank", "nonsense"])
def test_a_url_of_another_kind_is_refused(real: Real, url: str):
    done = real.apply("--journal", url)
    assert (done.status, "RP811" in done.err) == (1, True)


def test_no_room_for_the_journal_stops_the_run_and_resume_goes_on(real: Real):
    """As on a full file system: no file may grow beyond this size."""
    assert real.apply("--until", real.desk.loaded("b").stages[0].name).status == 0
    files = [real.desk.site.folder / ".replank" / name for name in ("journal.db", "journal.db-wal")]
    size = max(file.stat().st_size for file in files if file.exists())
    with file_size_limit(size + 20_000):
        done = real.apply()
    assert (done.status, "RP811" in done.err) == (1, True), done.err
    assert real.run("resume b", *real.reports).status == 0
    assert real.code.lines == real.steps
