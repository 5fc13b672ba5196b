"""One twin of two small clusters for all tests of bad input; each test gets a copy of the files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apply_site import ApplySite
from bad_input_site import Site, small_world
from fake_engine import FakeWorld, remembering

from replank.app.cli import main
from replank.testbed.twin import Twin


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """The twin is up, and both clusters have been surveyed."""
    folder = tmp_path_factory.mktemp("desk")
    with Twin(small_world(), folder) as running:
        with pytest.raises(SystemExit) as ended:
            main(["survey", "--fleet", str(running.fleet_file), "--snapshots", str(folder / "s")])
        assert not ended.value.code
        yield running


@pytest.fixture
def place(desk: Twin, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    """A copy of the operator's files; faults of the twin end with the test."""
    folder = tmp_path / "work"
    shutil.copytree(desk.folder, folder)
    yield Site(desk, folder, capsys)
    desk.openstack.faults.clear()
    desk.ssh.faults.clear()
    for cluster in ("a", "b"):
        desk.api(cluster).faults.clear()
    desk.management.faults.clear()


@pytest.fixture(scope="session")
def planned(desk: Twin, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the files with plans of both clusters, and where it must lie: plans name paths of states."""
    work = tmp_path_factory.mktemp("applying") / "work"
    kept = work.with_name("kept")
    shutil.copytree(desk.folder, work)
    common = ["--fleet", str(work / "fleet.yaml"), "--snapshots", str(work / "s")]
    for line in (["survey"], ["plan", "takeover", "--out", str(work / "plans")]):
        with pytest.raises(SystemExit) as ended:
            main([*line, *common])
        assert not ended.value.code
    work.rename(kept)
    return kept, work


@pytest.fixture(scope="session")
def seen() -> dict[str, Any]:
    """What readers saw of the twin, for tests in which it stays as it is."""
    return {}


@pytest.fixture
def applying(
    desk: Twin, planned: tuple[Path, Path], seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> Iterator[ApplySite]:
    """The operator's desk with plans of both clusters, and an engine that is scripted."""
    kept, work = planned
    shutil.copytree(kept, work)
    yield ApplySite(Site(desk, work, capsys), FakeWorld(readers=lambda: remembering(seen)))
    shutil.rmtree(work)
