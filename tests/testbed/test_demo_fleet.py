"""replank's main job on the demo fleet: healthy is healthy, flawed is found out, no secret comes through."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from replank.testbed.fleet.demo import demo_world
from replank.testbed.twin import Twin


@dataclass(frozen=True)
class Run:
    """What the commands printed, and where their files are."""

    twin: Twin
    folder: Path
    output: str
    findings: dict[str, list[dict[str, Any]]]

    def codes(self, cluster: str, severity: str) -> set[str]:
        return {f["code"] for f in self.findings[cluster] if f["severity"] == severity}


def command(folder: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "replank", *arguments], cwd=folder, capture_output=True, text=True, timeout=90
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("demo")
    output = ""
    with Twin(demo_world(1), folder) as twin:
        for arguments in (("survey", "--workers"), ("audit", "--fail-on", "never"), ("plan", "takeover")):
            status, out, err = command(folder, *arguments)
            assert status in (0, 2), err
            output += out + err
        for plan in sorted((folder / "plans").glob("*.yaml")):
            page, manifests = f"pages/{plan.stem}.html", f"manifests/{plan.stem}"
            status, out, err = command(folder, "show", str(plan), "--html", page, "--manifests", manifests)
            assert status == 0, err
            output += out + err + command(folder, "show", str(plan))[1]
        status, out, _ = command(folder, "audit", "--fail-on", "never", "--json")
        assert status == 0
        yield Run(twin, folder, output, json.loads(out))


@pytest.mark.parametrize("cluster", ["plain", "groups"])
def test_a_healthy_cluster_has_no_blocker_and_nothing_unseen(run: Run, cluster: str) -> None:
    assert run.codes(cluster, "blocker") == set()
    assert [f for f in run.findings[cluster] if f["unknown"]] == []


def test_the_flaws_are_found_out(run: Run) -> None:
    blockers = {"RP102", "RP202", "RP207", "RP210", "RP505", "RP601", "RP610"}
    risks = {
        "RP110",
        "RP122",
        "RP153",
        "RP160",
        "RP212",
        "RP228",
        "RP252",
        "RP303",
        "RP310",
        "RP320",
        "RP330",
    }
    notes = {"RP144", "RP155", "RP214", "RP322"}
    assert blockers <= run.codes("flawed", "blocker")
    assert risks | {"RP330", "RP501", "RP502", "RP504", "RP506"} <= run.codes("flawed", "risk")
    assert notes <= run.codes("flawed", "note")


def test_the_survey_runs_nothing_that_is_not_on_its_list(run: Run) -> None:
    assert run.twin.ssh.commands
    assert run.twin.ssh.strange_commands == []


def test_no_planted_secret_reaches_snapshots_plans_pages_manifests_or_the_terminal(run: Run) -> None:
    texts = {"the terminal": run.output}
    folders = ("snapshots", "plans", "pages", "manifests")
    for path in (path for name in folders for path in (run.folder / name).rglob("*")):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0
            data = path.read_bytes()
            texts[str(path.relative_to(run.folder))] = (
                gzip.decompress(data) if path.suffix == ".gz" else data
            ).decode()
    assert len(texts) >= 20
    leaks = {
        (name, secret)
        for name, text in texts.items()
        for secret in run.twin.world.planted_secrets
        if secret in text
    }
    assert leaks == set()
