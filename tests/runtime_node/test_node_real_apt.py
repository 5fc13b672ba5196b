"""The node's part with this machine's own apt and dpkg, where there are any."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from node_plans import NEW
from node_runs import Runs

from apt_archive import TRACE, build_deb, configure, write_index
from replank.inventory.hosts.offered_packages import parse_offered
from replank.inventory.hosts.runtime_commands import OFFERED
from replank.inventory.hosts.swap_commands import BUNDLE
from replank.migrations.runtime_swap.node import swap_node

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("apt-get", "apt-cache", "dpkg-deb"))), reason="this machine has no apt"
)
NAME, VERSION = "containerd.io", f"1:{NEW}-1~debian.12~bookworm"
PROGRAMS = {name: f"{name} {NEW}".encode() for name in (*BUNDLE, "runc")}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The .deb in it."""
    deb = build_deb(tmp_path, NAME, VERSION, PROGRAMS)
    write_index(deb, NAME, VERSION)
    monkeypatch.setenv("APT_CONFIG", str(configure(tmp_path)))
    return deb


def part(runs: Callable[[str], Runs], deb: Path) -> swap_node.Node:
    """The node's part, outside of any simulation."""
    node = runs("in-place")
    digest = hashlib.sha256(deb.read_bytes()).hexdigest()
    folder = node.world.path(f"opt/replank/containerd-{NEW}-deb-{digest[:12]}")
    node.plan["package"] = {
        "name": NAME,
        "version": VERSION,
        "sha256": digest,
        "folder": str(folder),
        "programs": list(BUNDLE),
        "optional": ["runc", "nerdctl"],
    }
    outside = swap_node.Outside()
    journal = swap_node.Journal(node.base / "journal", node.base / "ballast", outside.now)
    journal.add("attempt", number=1, id="swap-1", strategy="in-place", plan="")
    return swap_node.InPlace(node.base, node.plan, journal, outside)


def test_the_survey_reads_what_apt_really_prints(archive: Path) -> None:
    done = subprocess.run(OFFERED.call().argv, capture_output=True, text=True, timeout=60, check=True)
    (found,) = parse_offered(done.stdout)
    assert (found.name, found.version, found.bytes) == (NAME, VERSION, archive.stat().st_size)
    assert found.sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()


def test_the_deb_is_fetched_unpacked_and_never_installed(
    runs: Callable[[str], Runs], archive: Path, tmp_path: Path
) -> None:
    node = part(runs, archive)
    before = (tmp_path / "status").read_bytes()
    node.fetch_package()
    folder = Path(node.plan["package"]["folder"])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == PROGRAMS
    assert node.state.facts["programs"] == {str(p): swap_node.sha256_of(p) for p in folder.iterdir()}
    assert not (node.base / "package").exists()
    node.remove_package()
    assert not folder.exists()
    assert (tmp_path / "status").read_bytes() == before
    assert not Path(TRACE).exists()


def test_an_archive_that_has_gone_is_told(runs: Callable[[str], Runs], archive: Path) -> None:
    node = part(runs, archive)
    archive.unlink()
    with pytest.raises(swap_node.Trouble, match=f"apt cannot fetch {NAME}={VERSION}: .* failed with 100"):
        node.fetch_package()
    node.remove_package()
    assert not Path(node.plan["package"]["folder"]).exists()
    assert not (node.base / "package").exists()


def test_a_deb_that_was_changed_in_the_archive_is_not_unpacked(
    runs: Callable[[str], Runs], archive: Path
) -> None:
    """apt itself sees it where the index is as it was; the node's own look is for an index that was changed,
    too."""
    node = part(runs, archive)
    node.plan["package"]["sha256"] = "0" * 64
    with pytest.raises(swap_node.Trouble, match="another file"):
        node.fetch_package()
    node.plan["package"]["sha256"] = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.write_bytes(archive.read_bytes()[:-1] + b"!")
    with pytest.raises(swap_node.Trouble, match="cannot fetch"):
        node.fetch_package()
