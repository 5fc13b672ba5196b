"""For all tests: hypothesis without deadlines (the machine may be busy), files in memory, and a loud word on
what was left out.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "replank", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("replank")

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 2 << 30
PROOF = Path(__file__).parent.parent / "docs" / "proof.md"


def pytest_configure(config: pytest.Config) -> None:
    """Journals are synced and folders are copied, thousands of times; nobody pulls a plug here."""
    if "not ground" in config.option.markexpr and _memory_has_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than there are cores, for many a test waits (a server that hangs, a lease)."""
    return (os.cpu_count() or 1) + 1


def _memory_has_room() -> bool:
    """Whether there is a file system in memory that holds what tests write, programs included."""
    if not os.access(MEMORY, os.W_OK):
        return False
    found = os.statvfs(MEMORY)
    return found.f_bavail * found.f_frsize >= ENOUGH_BYTES and not found.f_flag & os.ST_NOEXEC


@pytest.fixture(autouse=True)
def _private_log_of_a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine leaves its file with this logger; with the next test the file's folder is gone."""
    monkeypatch.setattr(logging.getLogger("replank.private"), "handlers", [logging.NullHandler()])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what was left out, and how to prove it."""
    _tell_unvalidated(terminalreporter)
    _tell_unproven(terminalreporter)


def _tell_unproven(terminalreporter: pytest.TerminalReporter) -> None:
    if "not ground" not in terminalreporter.config.option.markexpr:
        return
    terminalreporter.section("NOT PROVEN by the real controllers", sep="!", yellow=True)
    terminalreporter.write_line(
        "The tests in tests/ground are not among these. `make prove` runs them (Linux, root)."
    )
    last = PROOF.read_text().splitlines() if PROOF.exists() else []
    runs = [line for line in last if line.startswith("Last run:")]
    terminalreporter.write_line(runs[0] if runs else "There is no record of a full proof in docs/proof.md.")


def _tell_unvalidated(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every upstream test that did not run: without Go the manifests are validated against nothing."""
    left_out = [r for r in terminalreporter.stats.get("skipped", []) if "upstream" in r.keywords]
    if not left_out:
        return
    terminalreporter.section("NOT VALIDATED against upstream's CustomResourceDefinitions", sep="!", red=True)
    terminalreporter.write_line("Go is missing. Install it to validate the manifests. Left out:")
    for report in left_out:
        terminalreporter.write_line(f"  {report.nodeid}")
