"""One twin of two small clusters for all tests of bad input; each test gets a copy of the files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_input_site import Site, small_world

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
